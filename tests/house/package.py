# SPDX-License-Identifier: MIT
"""The packages of debian/ say what the source says: its version, what it needs to be built, and what
`cmake --install` installs."""
import re

from source import listed, text

# debhelper brings the compiler and the C library; the package is built without the unit tests.
NOT_BUILT_WITH = {'gcc', 'libc6-dev', 'libcmocka-dev'}


def needed():
    return set(re.findall(r'^build (\S+)$', text('tests/packages.txt'), re.MULTILINE)) - NOT_BUILT_WITH


def test_the_package_needs_what_a_build_needs():
    depends = re.search(r'^Build-Depends:\n((?: .*\n)+)', text('debian/control'), re.MULTILINE)[1]
    names = set(re.findall(r'^ ([a-z0-9.+-]+)', depends, re.MULTILINE)) - {'debhelper-compat'}
    assert names == needed()


def test_the_package_has_the_version_of_the_program():
    version = re.search(r'^project\(outrider VERSION (\S+)', text('CMakeLists.txt'), re.MULTILINE)[1]
    assert re.match(r'outrider \((.*)\) ', text('debian/changelog'))[1] == version


def test_the_licence_is_the_one_of_the_project():
    def words(page):
        return re.sub(r'^ \.?', '', page, flags=re.MULTILINE).split()

    licence = text('LICENSE').split('\n\n', 2)[2]
    assert words(text('debian/copyright'))[-len(licence.split()):] == licence.split()


def test_every_exception_to_lintian_has_a_reason():
    for name in (n for n in listed() if n.endswith('lintian-overrides')):
        groups = re.split(r'\n(?=#)', text(name).strip())
        assert groups and all(re.match(r'# \S+ \S+', group) for group in groups), name


def test_scripts_of_the_package_are_plain_shell_that_stops_at_errors():
    for name in (n for n in listed() if re.fullmatch(r'debian/(\S+\.p(ost|re)(inst|rm)|tests/(?!control)\S+)', n)):
        assert text(name).startswith('#!/bin/sh\n') and re.search(r'^set -eu?$', text(name), re.MULTILINE), name
