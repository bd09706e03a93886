# SPDX-License-Identifier: MIT
"""Python's http.client on one connection. It takes a 103 for the answer, which would show."""
import hashlib
import http.client
import os
import ssl
import sys
from urllib.parse import urlsplit

parts = [urlsplit(url) for url in sys.argv[1:]]
client = http.client.HTTPSConnection(parts[0].netloc, timeout=20,
                                     context=ssl.create_default_context(cafile=os.environ['CA']))
for part in parts:
    client.request('GET', part.path)
    answer = client.getresponse()
    print(answer.status, hashlib.sha256(answer.read()).hexdigest(), '-')
