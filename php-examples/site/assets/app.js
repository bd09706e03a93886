// SPDX-License-Identifier: MIT
// Tells what the Performance API saw: whether a 103 came, and which assets were fetched because of
// it. Chromium and Firefox show it differently, so both ways of seeing it are here.
'use strict';

function ms(time) {
    return Math.round(time) + ' ms';
}

// Was the asset on its way, or here, before the page's own head arrived?
function fetchedEarly(entry, final) {
    // Chromium: taken from the cache, where the hint had put it.
    if (entry.initiatorType === 'early-hints')
        return entry.deliveryType === undefined || entry.deliveryType === 'cache';
    // Firefox: the entry carries the times of the real fetch.
    return entry.requestStart > 0 && entry.requestStart < final;
}

function observe() {
    const page = performance.getEntriesByType('navigation')[0];
    const interim = page.firstInterimResponseStart || 0;
    const final = page.finalResponseHeadersStart || page.responseStart;
    const assets = performance.getEntriesByType('resource')
        .filter(entry => entry.name.startsWith(location.origin + '/assets/'))
        .map(entry => ({
            name: new URL(entry.name).pathname,
            initiator: entry.initiatorType,
            delivery: entry.deliveryType,
            transferred: entry.transferSize,
            start: entry.startTime,
            end: entry.responseEnd,
            fromCache: entry.transferSize === 0 && entry.initiatorType !== 'early-hints',
            early: fetchedEarly(entry, final),
        }));
    return {
        protocol: page.nextHopProtocol,
        hinted: interim > 0 && interim < final,
        interim, final, assets,
    };
}

function row(what, when, words, kind) {
    const line = document.querySelector('#story tbody').insertRow();
    for (const text of [what, when, words])
        line.insertCell().textContent = text;
    line.cells[2].className = kind || '';
}

function tell(seen) {
    const verdict = document.querySelector('#verdict');
    const early = seen.assets.filter(asset => asset.early).length;
    if (seen.hinted && early > 0) {
        verdict.textContent = 'Yes, it was quicker: a 103 Early Hints answer came ' + ms(seen.interim) +
            ' after you asked, ' + ms(seen.final - seen.interim) + ' before the page itself, and ' + early +
            ' of ' + seen.assets.length + ' assets were fetched while PHP was still thinking.';
        verdict.className = 'early';
    } else if (seen.hinted) {
        verdict.textContent = 'A 103 Early Hints answer came ' + ms(seen.final - seen.interim) +
            ' before the page, but the browser needed nothing from it: it had the assets, or did not act on it.';
    } else {
        verdict.textContent = 'No 103 came. The browser heard of the assets only with the page, after ' +
            ms(seen.final) + '. Outrider has learned them now: the next visitor gets them at once.';
        verdict.className = 'late';
    }
    row('You asked', ms(0), 'over ' + (seen.protocol || 'an unknown protocol'));
    if (seen.hinted)
        row('103 Early Hints', ms(seen.interim), 'the list of assets, from Outrider', 'early');
    row('The page\'s head', ms(seen.final), 'from PHP');
    for (const asset of seen.assets) {
        if (asset.early)
            row(asset.name, 'by ' + ms(asset.end), 'fetched early, because of the hint', 'early');
        else if (asset.fromCache)
            row(asset.name, ms(asset.start), 'taken from the browser\'s cache of an earlier visit');
        else
            row(asset.name, ms(asset.start), 'asked for only after the page had come', 'late');
    }
    document.querySelector('#story').hidden = false;
    document.querySelector('#proof').textContent = JSON.stringify(seen);
}

addEventListener('load', () => document.fonts.ready.then(() => setTimeout(() => tell(observe()), 50)));
