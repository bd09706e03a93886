# SPDX-License-Identifier: MIT
"""The 36 URLs that are looked at in each theme, by the kind of page they are."""
import random

POSTS = [f'/2024/{3 + i // 10:02}/post-{i}/' for i in (0, 2, 5, 9, 10, 12, 15, 18, 20, 23, 26, 29)]
PAGES = [f'/{name}/' for name in ('about', 'contact', 'delivery', 'imprint', 'jobs', 'press', 'prices')]
CATEGORIES = [f'/category/{name}/' for name in ('books', 'games', 'garden', 'music', 'tools', 'travel')]

BY_KIND = {
    'front page': ['/', '/page/2/', '/page/3/'],
    'post': POSTS,
    'page': PAGES,
    'category': CATEGORIES,
    'tag': ['/tag/even/', '/tag/odd/'],
    'archive': ['/author/admin/', '/2024/', '/2024/03/', '/2024/04/'],
    'search': ['/?s=fox', '/?s=zebra'],
}
URLS = [url for urls in BY_KIND.values() for url in urls]
KIND = {url: kind for kind, urls in BY_KIND.items() for url in urls}


def split(seed, share=0.3):
    """(seen, held out): `share` of the URLs of each kind are held out, at random but the same for
    the same seed. What is rounded off in one kind is made up for in the next one."""
    chance = random.Random(seed)
    held, owed = set(), 0.0
    for urls in BY_KIND.values():
        owed += share * len(urls)
        count = min(round(owed), len(urls) - 1)
        held.update(chance.sample(urls, count))
        owed -= count
    return [url for url in URLS if url not in held], [url for url in URLS if url in held]
