#!/bin/sh
# SPDX-License-Identifier: MIT
exec /usr/lib/git-core/git-http-backend
