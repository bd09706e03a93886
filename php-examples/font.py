#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes site/assets/blocks.ttf: a font of square blocks, drawn below, small and our own.

    python3 php-examples/font.py php-examples/site/assets/blocks.ttf

Each glyph is five columns by seven rows of squares. The tables are those that browsers insist on
(OpenType 1.9: cmap, glyf, head, hhea, hmtx, loca, maxp, name, OS/2, post)."""
import struct
import sys

UNIT = 128              # one square
EM = 8 * UNIT
ADVANCE = 6 * UNIT      # five columns and a gap

ROWS = {
    'A': '.###. #...# #...# ##### #...# #...# #...#', 'B': '####. #...# #...# ####. #...# #...# ####.',
    'C': '.#### #.... #.... #.... #.... #.... .####', 'D': '####. #...# #...# #...# #...# #...# ####.',
    'E': '##### #.... #.... ####. #.... #.... #####', 'F': '##### #.... #.... ####. #.... #.... #....',
    'G': '.#### #.... #.... #..## #...# #...# .####', 'H': '#...# #...# #...# ##### #...# #...# #...#',
    'I': '.###. ..#.. ..#.. ..#.. ..#.. ..#.. .###.', 'J': '..### ...#. ...#. ...#. ...#. #..#. .##..',
    'K': '#...# #..#. #.#.. ##... #.#.. #..#. #...#', 'L': '#.... #.... #.... #.... #.... #.... #####',
    'M': '#...# ##.## #.#.# #.#.# #...# #...# #...#', 'N': '#...# ##..# ##..# #.#.# #..## #..## #...#',
    'O': '.###. #...# #...# #...# #...# #...# .###.', 'P': '####. #...# #...# ####. #.... #.... #....',
    'Q': '.###. #...# #...# #...# #.#.# #..#. .##.#', 'R': '####. #...# #...# ####. #.#.. #..#. #...#',
    'S': '.#### #.... #.... .###. ....# ....# ####.', 'T': '##### ..#.. ..#.. ..#.. ..#.. ..#.. ..#..',
    'U': '#...# #...# #...# #...# #...# #...# .###.', 'V': '#...# #...# #...# #...# .#.#. .#.#. ..#..',
    'W': '#...# #...# #...# #.#.# #.#.# ##.## #...#', 'X': '#...# #...# .#.#. ..#.. .#.#. #...# #...#',
    'Y': '#...# #...# .#.#. ..#.. ..#.. ..#.. ..#..', 'Z': '##### ....# ...#. ..#.. .#... #.... #####',
    '0': '.###. #...# #..## #.#.# ##..# #...# .###.', '1': '..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.',
    '2': '.###. #...# ....# ..##. .#... #.... #####', '3': '####. ....# ....# .###. ....# ....# ####.',
    '4': '#..#. #..#. #..#. ##### ...#. ...#. ...#.', '5': '##### #.... ####. ....# ....# #...# .###.',
    '6': '.###. #.... #.... ####. #...# #...# .###.', '7': '##### ....# ...#. ...#. ..#.. ..#.. ..#..',
    '8': '.###. #...# #...# .###. #...# #...# .###.', '9': '.###. #...# #...# .#### ....# ....# .###.',
    ' ': '..... ..... ..... ..... ..... ..... .....', '.': '..... ..... ..... ..... ..... .##.. .##..',
    ',': '..... ..... ..... ..... .##.. ..#.. .#...', ':': '..... .##.. .##.. ..... .##.. .##.. .....',
    '-': '..... ..... ..... .###. ..... ..... .....', '!': '..#.. ..#.. ..#.. ..#.. ..#.. ..... ..#..',
}
NOT_DEFINED = '##### #...# #...# #...# #...# #...# #####'


def boxes(rows):
    """The squares as (left, bottom, right, top), neighbours in a row joined."""
    found = []
    for down, row in enumerate(rows.split()):
        top, column = (7 - down) * UNIT, 0
        while column < 5:
            end = column
            while end < 5 and row[end] == '#':
                end += 1
            if end > column:
                found.append((column * UNIT, top - UNIT, end * UNIT, top))
            column = max(end, column + 1)
    return found


def glyph(rows):
    """A simple glyph: one clockwise contour of four points a box, coordinates as words."""
    shapes = boxes(rows)
    if not shapes:
        return b''
    points = [p for l, b, r, t in shapes for p in ((l, b), (l, t), (r, t), (r, b))]
    xs, ys = zip(*points)
    data = struct.pack('>hhhhh', len(shapes), min(xs), min(ys), max(xs), max(ys))
    data += b''.join(struct.pack('>H', 4 * n + 3) for n in range(len(shapes)))
    data += struct.pack('>H', 0) + b'\x01' * len(points)
    for axis in (xs, ys):
        data += b''.join(struct.pack('>h', now - before)
                         for before, now in zip((0,) + axis[:-1], axis))
    return data + b'\0' * (-len(data) % 4)


def character_map(chars):
    """cmap format 4; lower case shows the capitals."""
    to_glyph = {ord(c): n for n, c in enumerate(chars, 1)}
    to_glyph.update({code + 32: n for code, n in to_glyph.items() if 65 <= code <= 90})
    segments = [(code, code, to_glyph[code] - code) for code in sorted(to_glyph)] + [(0xFFFF, 0xFFFF, 1)]
    count = len(segments)
    power = 1 << (count.bit_length() - 1)
    body = struct.pack('>HHHH', count * 2, power * 2, power.bit_length() - 1, (count - power) * 2)
    body += b''.join(struct.pack('>H', end) for _, end, _ in segments) + b'\0\0'
    body += b''.join(struct.pack('>H', start) for start, _, _ in segments)
    body += b''.join(struct.pack('>H', delta & 0xFFFF) for _, _, delta in segments)
    body += b'\0\0' * count
    table = struct.pack('>HHH', 4, len(body) + 6, 0) + body
    return struct.pack('>HHHHL', 0, 1, 3, 1, 12) + table


def names(family):
    strings = {1: family, 2: 'Regular', 3: family + ' 1', 4: family, 5: 'Version 1.000', 6: family}
    records, pool = b'', b''
    for number, value in strings.items():
        data = value.encode('utf-16-be')
        records += struct.pack('>HHHHHH', 3, 1, 0x409, number, len(data), len(pool))
        pool += data
    return struct.pack('>HHH', 0, len(strings), 6 + len(records)) + records + pool


def checksum(data):
    data += b'\0' * (-len(data) % 4)
    return sum(struct.unpack(f'>{len(data) // 4}L', data)) & 0xFFFFFFFF


def font(family):
    chars = sorted(ROWS)
    glyphs = [glyph(NOT_DEFINED)] + [glyph(ROWS[c]) for c in chars]
    at, loca = 0, []
    for data in glyphs + [b'']:
        loca.append(at)
        at += len(data)
    count = len(glyphs)
    most = max(len(boxes(rows)) for rows in [NOT_DEFINED, *ROWS.values()])
    ascent, descent = 7 * UNIT, -UNIT
    tables = {
        'OS/2': struct.pack('>HhHHHhhhhhhhhhhh10sLLLL4sHHHhhhHHLLhhHHH', 4, ADVANCE, 400, 5, 0, 650, 600,
                            0, 75, 650, 600, 0, 350, 50, 300, 0, b'\0' * 10, 1, 0, 0, 0, b'NONE',
                            0x40, 32, 122, ascent, descent, 0, ascent, -descent, 1, 0,
                            5 * UNIT, 7 * UNIT, 0, 32, 1),
        'cmap': character_map(chars),
        'glyf': b''.join(glyphs),
        'head': struct.pack('>LLLLHHqqhhhhHHhhh', 0x10000, 0x10000, 0, 0x5F0F3CF5, 3, EM, 0, 0,
                            0, 0, 5 * UNIT, 7 * UNIT, 0, 8, 2, 1, 0),
        'hhea': struct.pack('>LhhhHhhhhhhhhhhhH', 0x10000, ascent, descent, 0, ADVANCE, 0, UNIT,
                            5 * UNIT, 1, 0, 0, 0, 0, 0, 0, 0, count),
        'hmtx': b''.join(struct.pack('>Hh', ADVANCE, min((b[0] for b in boxes(rows)), default=0))
                         for rows in [NOT_DEFINED] + [ROWS[c] for c in chars]),
        'loca': struct.pack(f'>{count + 1}L', *loca),
        'maxp': struct.pack('>LHHHHHHHHHHHHHH', 0x10000, count, 4 * most, most, 0, 0, 1, 0, 0, 0, 0,
                            0, 0, 0, 0),
        'name': names(family),
        'post': struct.pack('>LLhhLLLLL', 0x30000, 0, -100, 50, 1, 0, 0, 0, 0),
    }
    power = 1 << (len(tables).bit_length() - 1)
    head = struct.pack('>LHHHH', 0x10000, len(tables), power * 16, power.bit_length() - 1,
                       (len(tables) - power) * 16)
    at, directory, body, where = 12 + 16 * len(tables), b'', b'', {}
    for tag, data in tables.items():
        directory += struct.pack('>4sLLL', tag.encode(), checksum(data), at + len(body), len(data))
        where[tag] = at + len(body)
        body += data + b'\0' * (-len(data) % 4)
    whole = bytearray(head + directory + body)
    struct.pack_into('>L', whole, where['head'] + 8, (0xB1B0AFBA - checksum(bytes(whole))) & 0xFFFFFFFF)
    return bytes(whole)


if __name__ == '__main__':
    with open(sys.argv[1], 'wb') as out:
        out.write(font('OutriderBlocks'))
