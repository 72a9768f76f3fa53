"""The page that asks for name and password: no script, nothing from elsewhere."""

from __future__ import annotations

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>bactools: log in</title><style>
body{font:16px system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;margin:0;
background:#f5f7fa}
form{background:#fff;padding:32px;border-radius:12px;box-shadow:0 2px 12px #0002;width:280px}
h1{font-size:20px;margin:0 0 16px}label{display:block;margin:12px 0 4px}p{color:#b00020}
input{width:100%;box-sizing:border-box;padding:8px;font-size:16px;border:1px solid #767676;border-radius:6px}
button{margin-top:20px;width:100%;padding:10px;font-size:16px;border:0;border-radius:6px;
background:#0b5cad;color:#fff}
small{display:block;margin-top:16px;color:#555}
</style></head><body><form method="post"><h1>bactools</h1>PROBLEM
<label for="username">Name</label>
<input id="username" name="username" autocomplete="username" autofocus required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button>Log in</button><small>For research only. Not a medical device.</small></form></body></html>
"""
"""What is shown; PROBLEM stands for what was wrong with the last try."""
