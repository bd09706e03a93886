# SPDX-License-Identifier: MIT
"""Pages that nobody has ever asked for are hinted what their kind has in common. Each page's first
request counts; those asked for earlier have by then been seen by one visitor, as on a real site."""
import pytest

from wordpress.score import Score, by_kind, mistakes, table
from wordpress.site import THEMES
from wordpress.urls import KIND, split
from wordpress.visitor import Visitor, hinted

VISITORS = 1, 2, 3      # client networks
STRANGER = 4
SEEDS = 1, 2            # of the choice of pages


@pytest.mark.parametrize('theme', THEMES)
def test_pages_never_visited_are_hinted_what_their_kind_needs(front, truth, show, theme):
    scores, faults, total = {}, [], Score()
    for seed in SEEDS:
        outrider = front(theme)
        seen, held = split(seed)
        for number in VISITORS:
            for url in seen:
                with Visitor(outrider, number) as visitor:
                    visitor.visit(truth[theme][url])
        outrider.settle(visits=True)
        hints = {}
        for url in held:
            with Visitor(outrider, STRANGER) as visitor:
                hints[url] = hinted(visitor.open(truth[theme][url]))
        for url, found in hints.items():
            page = truth[theme][url]
            score = Score.of(found, page.wanted, page.blocking)
            scores[url] = scores.get(url, Score()) + score
            total += score
        faults.append(mistakes(hints, truth[theme]))
        outrider.stop()
    show(table(f'{theme}: hints of the first view of pages never visited', by_kind(scores, KIND)))
    assert total.precision >= 0.95, '\n'.join(faults)
    assert total.blocking_recall >= 0.8, '\n'.join(faults)
