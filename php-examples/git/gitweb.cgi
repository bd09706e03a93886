#!/bin/sh
# SPDX-License-Identifier: MIT
# gitweb takes the folder of the repositories from its configuration only.
export GITWEB_CONFIG=/dev/fd/3
exec /usr/lib/cgi-bin/gitweb.cgi 3<<END
\$projectroot = "$GIT_PROJECT_ROOT";
END
