# SPDX-License-Identifier: MIT
"""The measure itself is right."""
from wordpress.score import Score, by_kind, table
from wordpress.urls import BY_KIND, KIND, URLS, split

A, B, C, D = (('/a.css', 'style'), ('/b.js', 'script'), ('/c.js', 'script'), ('/d.css', 'style'))


def test_precision_is_of_the_hints_and_recall_is_of_the_needs():
    score = Score.of(hinted={A, B, D}, wanted={A, B, C}, blocking={A, C})
    assert (score.precision, score.recall, score.blocking_recall) == (2 / 3, 2 / 3, 1 / 2)


def test_the_same_url_for_something_else_is_a_mistake():
    score = Score.of({('/a.css', 'script')}, {A}, {A})
    assert (score.precision, score.recall) == (0, 0)


def test_without_hints_nothing_is_wrong_and_all_is_missed():
    score = Score.of(set(), {A}, {A})
    assert (score.precision, score.recall, score.blocking_recall) == (1, 0, 0)


def test_pages_together_weigh_by_what_they_have():
    score = Score.of({A}, {A}, {A}) + Score.of({D}, {A, B, C}, {A})
    assert (score.pages, score.hinted, score.right, score.wanted) == (2, 2, 1, 4)
    assert (score.precision, score.recall, score.blocking_recall) == (1 / 2, 1 / 4, 1 / 2)


def test_the_table_has_a_row_for_each_kind_and_one_for_all():
    scores = {'/': Score.of({A}, {A}, {A}), '/page/2/': Score.of({A}, {A, B}, {A}),
              '/about/': Score.of(set(), {A}, {A})}
    lines = table('title', by_kind(scores, KIND)).splitlines()
    assert [line.split()[0] for line in lines[3:]] == ['front', 'page', 'all']
    assert lines[-1].split()[1:] == ['3', '2', '2', '4', '1.000', '0.500', '0.667']


def test_there_are_36_urls_and_30_percent_of_them_are_held_out_across_the_kinds():
    assert len(set(URLS)) == 36
    for seed in range(20):
        seen, held = split(seed)
        assert len(held) in (10, 11) and sorted(seen + held) == sorted(URLS)
        for urls in BY_KIND.values():
            assert set(urls) & set(seen), 'of each kind something was seen'
    assert split(1) == split(1) != split(2)
