# SPDX-License-Identifier: MIT
"""How good hints are, against what pages really need; and the table that says so."""


class Score:
    """Counts of hints and needs, of one page or of many together. Right is a hint that the page
    wanted; precision is the share of the hints that were right, recall the share of what was
    wanted (or blocking) that was hinted. Nothing hinted is perfectly precise, nothing needed
    perfectly found."""

    def __init__(self, pages=0, hinted=0, right=0, wanted=0, blocking=0, blocking_found=0):
        self.pages, self.hinted, self.right = pages, hinted, right
        self.wanted, self.blocking, self.blocking_found = wanted, blocking, blocking_found

    @classmethod
    def of(cls, hinted, wanted, blocking):
        """Of one page; all three are sets."""
        return cls(1, len(hinted), len(hinted & wanted), len(wanted), len(blocking),
                   len(hinted & blocking))

    def __add__(self, other):
        return Score(*(mine + theirs for mine, theirs in zip(vars(self).values(), vars(other).values())))

    @property
    def precision(self):
        return self.right / self.hinted if self.hinted else 1.0

    @property
    def recall(self):
        return self.right / self.wanted if self.wanted else 1.0

    @property
    def blocking_recall(self):
        return self.blocking_found / self.blocking if self.blocking else 1.0


def table(title, rows):
    """`rows` are (name, Score); the last line is all of them together."""
    rows = [*rows, ('all', sum((score for _, score in rows), Score()))]
    width = max(len(name) for name, _ in rows)
    lines = ['', title, f'{"":{width}}  pages  hinted  right  wanted  precision  recall  of blocking']
    for name, s in rows:
        lines.append(f'{name:{width}}  {s.pages:5}  {s.hinted:6}  {s.right:5}  {s.wanted:6}  '
                     f'{s.precision:9.3f}  {s.recall:6.3f}  {s.blocking_recall:11.3f}')
    return '\n'.join(lines)


def by_kind(scores, kind):
    """{url: Score} as rows of a table, the pages of one kind together."""
    rows = {}
    for url, score in scores.items():
        rows[kind[url]] = rows.get(kind[url], Score()) + score
    return list(rows.items())


def mistakes(hinted, truths, limit=40):
    """What was hinted wrongly and what was missed, a line each; {url: set} and {url: Truth}."""
    lines = ['']
    for url, hints in hinted.items():
        truth = truths[url]
        lines += [f'{url}  wrong   {dest} {asset}' for asset, dest in sorted(hints - truth.wanted)]
        lines += [f'{url}  missed  {dest} {asset}' for asset, dest in sorted(truth.wanted - hints)]
    rest = len(lines) - limit
    return '\n'.join(lines[:limit] + ([f'and {rest} more'] if rest > 0 else []))
