# SPDX-License-Identifier: MIT
"""httpx with HTTP/2, which shows no interim responses."""
import hashlib
import os
import sys

import httpx

with httpx.Client(http2=True, verify=os.environ['CA'], timeout=20) as client:
    for url in sys.argv[1:]:
        answer = client.get(url)
        assert answer.http_version == 'HTTP/2'
        print(answer.status_code, hashlib.sha256(answer.content).hexdigest(), '-')
