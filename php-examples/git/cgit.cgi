#!/bin/sh
# SPDX-License-Identifier: MIT
export CGIT_CONFIG=/dev/fd/3
exec /usr/lib/cgit/cgit.cgi 3<<END
scan-path=$GIT_PROJECT_ROOT
virtual-root=/cgit.cgi/
END
