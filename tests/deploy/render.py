"""Render and lint the chart with Helm's own library; run by the Python of `make tools`.

render.py CHART      values as JSON on standard input; {"documents": {...}, "lint": {...}} out
"""

import json
import sys

import helm_python

values = json.load(sys.stdin)
with helm_python.Chart.load(sys.argv[1]) as chart:
    documents = chart.render(values, name="earmark", namespace="audio")
    shown = {"documents": documents, "lint": helm_python.lint(sys.argv[1], values, strict=True)}
print(json.dumps(shown))
