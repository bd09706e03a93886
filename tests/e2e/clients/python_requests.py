# SPDX-License-Identifier: MIT
"""requests on one connection. It takes a 103 for the answer, which would show."""
import hashlib
import os
import sys

import requests

with requests.Session() as session:
    session.verify = os.environ['CA']
    session.trust_env = False
    for url in sys.argv[1:]:
        answer = session.get(url, timeout=20)
        print(answer.status_code, hashlib.sha256(answer.content).hexdigest(), '-')
