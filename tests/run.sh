#!/bin/sh
# SPDX-License-Identifier: MIT
# All tests, as CI runs them: installs what is missing, builds release, asan, tsan and fuzz, and
# runs the house rules, the unit tests, the fuzz targets for a while, and the end-to-end tests.
#
#     sh tests/run.sh                    everything; the last line says whether all is well
#     FUZZ_SECONDS=600 sh tests/run.sh   more of the fuzzing
#     CI_FULL=1 sh tests/run.sh          also what takes minutes, such as tests/package.sh
#
# A section that fails does not keep the following ones from running.
set -eu
cd -- "$(dirname -- "$0")/.."

python=/usr/bin/python3
began=$(date +%s)
failed=
results=$(mktemp)
trap 'rm -f "$results"' EXIT
trap 'exit 1' INT TERM

# section NAME COMMAND...: runs the command and notes how it ended.
section() {
    name=$1
    shift
    start=$(date +%s)
    printf '\n===== %s\n' "$name"
    if "$@"; then
        how=ok
    else
        how=FAILED
        failed="$failed, $name"
    fi
    printf '%-8s %4d s  %s\n' "$how" $(($(date +%s) - start)) "$name" >>"$results"
}

build() {
    cmake --preset "$1" >/dev/null && cmake --build --preset "$1"
}

# ThreadSanitizer of Debian 12 cannot start where addresses are randomised by more than 28 bits.
fixed=
! setarch "$(uname -m)" -R true 2>/dev/null || fixed="setarch $(uname -m) -R"

# unit PRESET [REGEX]: all tests, or those whose names match.
unit() {
    TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp" $fixed ctest --preset "$1" --parallel 2 \
        --no-tests=error ${2:+-R "$2"}
}

house() {
    "$python" -m pytest -q tests/house
}

# pytest_e2e OPTION...: most of the tests wait most of their time, so three files run side by side;
# those that need the machine follow one by one (5 says that there are none).
pytest_e2e() {
    result=0
    "$python" -m pytest -q -rfEs --durations=5 -n 3 --dist loadfile -m "not alone" "$@" || result=1
    "$python" -m pytest -q -rfEs --durations=5 -m alone "$@" || [ $? = 5 ] || result=1
    return $result
}

end_to_end() {
    pytest_e2e tests/e2e
}

end_to_end_asan() (
    export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
    export OUTRIDER="$PWD/build/asan/outrider" SANITIZED=1
    pytest_e2e tests/e2e --deselect tests/e2e/demo_test.py --ignore-glob "*browser_test.py" \
        --ignore tests/e2e/attributes_test.py --ignore tests/e2e/wordpress \
        --ignore tests/e2e/fronts/wordpress_test.py --ignore tests/e2e/fronts/matrix_test.py \
        --ignore tests/e2e/fronts/examples_test.py
)

end_to_end_tsan() {
    OUTRIDER="$PWD/build/tsan/outrider" SANITIZED=1 \
        TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp" \
        $fixed "$python" -m pytest -q -rfEs tests/e2e/hints_test.py
}

# Each target for a share of the time, two side by side.
fuzz() {
    found=$(find build/fuzz/tests -maxdepth 1 -name '*_fuzz' -type f | sort)
    [ -n "$found" ] || { echo "no fuzz targets"; return 1; }
    count=$(echo "$found" | wc -l)
    each=$((${FUZZ_SECONDS:-40} / count + 1))
    echo "$count targets, $each s each"
    dir=$(mktemp -d)
    result=0
    echo "$found" | xargs -P 2 -n 1 sh -c '
        name=$(basename "$3" _fuzz)
        mkdir "$1/$name"
        if "$3" -max_total_time="$2" -timeout=10 -rss_limit_mb=1024 -artifact_prefix="$1/$name-" \
            "$1/$name" "tests/fuzz/seeds/$name" >"$1/$name.log" 2>&1; then
            echo "$name: $(grep -c . "$1/$name.log") lines of log, $(tail -n 1 "$1/$name.log")"
        else
            echo "$name FAILED"
            tail -n 40 "$1/$name.log"
            for input in "$1/$name-"*; do
                [ ! -e "$input" ] || { echo "input, in base64:"; base64 "$input"; }
            done
            exit 1
        fi' sh "$dir" "$each" || result=1
    rm -rf "$dir"
    return $result
}

if ! sh tests/install.sh build demo test fronts wordpress; then
    echo "FAILED: packages are missing"
    exit 1
fi

for preset in release asan tsan fuzz; do
    section "build $preset" build "$preset"
done
section "house" house
section "unit tests, release" unit release
section "unit tests, asan" unit asan
section "unit tests, tsan" unit tsan '^server_' # what has threads
section "fuzz targets" fuzz
section "end to end, release" end_to_end
section "end to end, asan" end_to_end_asan
section "end to end, tsan" end_to_end_tsan
[ "${CI_FULL-}" != 1 ] || section "packages" sh tests/package.sh

printf '\n===== all sections, %d s\n' $(($(date +%s) - began))
cat "$results"
if [ -n "$failed" ]; then
    printf '\nFAILED:%s\n' "${failed#,}"
    exit 1
fi
printf '\nEverything passed.\n'
