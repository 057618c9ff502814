"""Evaluation: rows with known truth go through the product, and what it says is measured.

manifest -> rows -> events -> Pipeline -> records        run
rows + records -> cases, task by task                     task, tasks/
cases -> metrics, losses -> intervals, slices, plots      measure, metric, bootstrap, ...
"""
