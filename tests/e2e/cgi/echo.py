#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Answers with its input, piece by piece, as it comes."""
import os

os.write(1, b'Content-Type: application/octet-stream\r\n\r\n')
while piece := os.read(0, 65536):
    while piece:
        piece = piece[os.write(1, piece):]
