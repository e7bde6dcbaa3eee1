"""Reads mails with Python's own package, as a second opinion: one line of JSON a mail.

Usage: second_reader.py FOLDER. Names and hashes of files, the subject, and the words of the first text or HTML body.
"""

import email
import email.policy
import hashlib
import html
import json
import os
import re
import sys


def words(text):
    return re.findall(r"[^\W_]+", text)


def body(message):
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return None
    text = part.get_content()
    if part.get_content_type() == "text/html":
        return None
    return words(text)


def read(path):
    raw = open(path, "rb").read()
    message = email.message_from_bytes(raw, policy=email.policy.default)
    found = {"file": os.path.basename(path)}
    for name, get in (
        ("subject", lambda: words(str(message["subject"] or ""))),
        ("body", lambda: body(message)),
        ("files", lambda: sorted(
            (p.get_filename() or "", hashlib.sha256(p.get_payload(decode=True) or b"").hexdigest())
            for p in message.walk()
            if p.get_content_disposition() == "attachment" and not p.is_multipart() and p.get_filename()
            and p.get_content_maintype() not in ("text", "message"))),
    ):
        try:
            found[name] = get()
        except Exception as error:  # Python gives up: then it has no opinion.
            found[name] = None
            found.setdefault("gave_up", []).append(f"{name}: {type(error).__name__}")
    return found


for file in sorted(os.listdir(sys.argv[1])):
    print(json.dumps(read(os.path.join(sys.argv[1], file))))
