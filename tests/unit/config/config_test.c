// SPDX-License-Identifier: MIT
#include "config/config.h"

#include "learner/learner.h"

#include "base/error.h"
#include "config/options.h"
#include "http/tls_self_signed.h"

#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

// The rest of a configuration that is good, in one line.
#define LISTEN "listen \"127.0.0.1:8080\" {}"
#define POOL "pool \"php\" { servers = {\"unix:/run/fpm.sock\"} }"
#define SITE "site \"a.example\" { root = www }"
#define IN_SITE(text) LISTEN POOL "site \"a.example\" { root = www\n" text "\n}"
#define IN_SPAWN(text) LISTEN SITE "\npool \"p\" { spawn { " text " } }"

struct row {
    const char *name, *text, *errors;
};

static const struct row rows[] = {
    {"the least that can be served", LISTEN SITE, ""},
    {"an unknown option, and the name that was meant", LISTEN SITE "\nwrokers = 3",
     "t.conf:2: there is no option wrokers; did you mean workers?\n"},
    {"an unknown option of a section",
     LISTEN SITE "\npool \"php\" {\n servers = { \"unix:/s\" }\n think-timout = 3s\n}",
     "t.conf:4: there is no option think-timout in pool; did you mean think-timeout?\n"},
    {"a name like nothing", LISTEN SITE "xyzzy = 1", "t.conf:1: there is no option xyzzy\n"},
    {"unknown sections and lists do not hide what follows",
     LISTEN SITE
     "\nshelf { path = { \"a\", \"b\" }\n x { y = 1 } }\nxs += {1,\n2}\nworkers = many\n",
     "t.conf:2: there is no option shelf\n"
     "t.conf:4: there is no option xs\n"
     "t.conf:6: workers must be a whole number, not \"many\"\n"},
    {"a titled unknown section", LISTEN SITE "\nsiet \"b\" { root = \"x\" }",
     "t.conf:2: there is no option siet; did you mean site?\n"},
    {"several wrong values, all told", LISTEN SITE "\nworkers = 0\n\nlog = loud\nconnections = -1",
     "t.conf:2: workers must be between 1 and 256, not 0\n"
     "t.conf:4: log must be error, warn, info or debug, not \"loud\"\n"
     "t.conf:5: connections must be a whole number, not \"-1\"\n"},
    {"an option twice", LISTEN SITE "workers = 1\nworkers = 2",
     "t.conf:2: workers is given twice, first in line 1\n"},
    {"a plain section twice", LISTEN SITE "timeouts {}\ntimeouts {}",
     "t.conf:2: timeouts is given twice, first in line 1\n"},
    {"a site twice", LISTEN SITE "\n" SITE, "t.conf:2: found duplicate title 'a.example'\n"},
    {"a name of two sites",
     LISTEN SITE "\nsite \"b.example\" {\nroot = www\n"
                 "aliases = { \"x.example\", \"A.EXAMPLE\" }\n}",
     "t.conf:4: the name \"a.example\" is already that of site \"a.example\"\n"},
    {"a name that is a URL", LISTEN "site \"http://a\" { root = www }",
     "t.conf:1: \"http://a\" is not a host name (no scheme, port, path or wildcard)\n"},
    {"no equal sign", LISTEN SITE "workers 3",
     "t.conf:1: missing equal sign after option 'workers'\n"},
    {"a section that is not closed", LISTEN "\nsite \"a\" {\nroot = www\n",
     "t.conf:2: this site is not closed\n"},
    {"a list that is not closed", LISTEN SITE "\npool \"p\" { servers = { a, b",
     "t.conf:2: premature end of file\n"},
    {"a value that is missing", LISTEN SITE "workers =\n}", "t.conf:2: unexpected token '}'\n"},
    {"a list where one value stands", LISTEN SITE "\nworkers = { 1 }",
     "t.conf:2: unexpected token '{'\n"},
    {"a section for an option", LISTEN SITE "\nworkers { }",
     "t.conf:2: missing equal sign after option 'workers'\n"},
    {"a quote that is not closed", LISTEN "\nsite \"a {\nroot = www }\n",
     "t.conf:2: a quote is not closed on its line\n"},
    {"a comment that is not closed", LISTEN "\n/* x\n\n", "t.conf:2: a comment is not closed\n"},
    {"a variable that is not closed", "user = \"${HOME\"\n",
     "t.conf:1: ${ without its }; write \\${ for the characters themselves\n"},
    {"a brace too many", LISTEN SITE "}", "t.conf:1: unexpected closing brace\n"},
    {"a function", LISTEN "include(\"x\")",
     "t.conf:1: there is no option include\n"
     "t.conf:1: a character that may only stand in quotes\n"},
    {"nothing at all", "",
     "t.conf: nothing says where to listen: listen \"https://localhost:8443\" {}, or as argument "
     "--listen https://localhost:8443\n"
     "t.conf: there is no site section: nothing could be answered\n"},

    {"a duration without unit", LISTEN SITE "timeouts { idle = 60 }",
     "t.conf:1: idle must be a duration such as 500ms, 60s, 5min or 1h, not \"60\"\n"},
    {"a duration out of range", LISTEN SITE "timeouts { idle = 1ms }",
     "t.conf:1: idle must be between 100ms and 24h, not 1ms\n"},
    {"a size of another kind", IN_SITE("body-limit = 1TB"),
     "t.conf:2: body-limit must be a size such as 512, 64k or 1MB, not \"1TB\"\n"},
    {"a flag that is a word", IN_SITE("check-script = yes"),
     "t.conf:2: check-script must be true or false, not \"yes\"\n"},

    {"an access log without a place", IN_SITE("access-log { format = json }"),
     "t.conf:2: access-log does not say where to: to = \"/var/log/outrider/access.log\"\n"},
    {"an access log beside the working folder", IN_SITE("access-log { to = \"access.log\" }"),
     "t.conf:2: to \"access.log\": it is stdout, stderr, syslog, syslog:/path, or the absolute "
     "path "
     "of a file\n"},
    {"a field that nobody knows", IN_SITE("access-log { to = stdout format = \"{statsu}\" }"),
     "t.conf:2: format: there is no field of a name between { and }; outrider help fields names "
     "all\n"},
    {"a sample of nothing", IN_SITE("access-log { to = stdout sample = \"0%\" }"),
     "t.conf:2: sample must be between 0.01% and 100%, not 0%\n"},

    {"a parameter without value", IN_SITE("params = {\"APP_ENV\"}"),
     "t.conf:2: \"APP_ENV\": a parameter is written NAME=value\n"},
    {"a parameter in small letters", IN_SITE("params = {\"app=1\"}"), ""},
    {"a parameter with a blank", IN_SITE("params = {\"a b=1\"}"),
     "t.conf:2: \"a b=1\": a parameter's name is made of letters, digits and _\n"},
    {"a parameter that is the client's", IN_SITE("params = {\"Http_HOST=x\"}"),
     "t.conf:2: \"Http_HOST=x\": HTTP_* is what the client's fields become\n"},

    {"an address without port", "listen \"localhost\" {}" SITE,
     "t.conf:1: address \"localhost\": it must be host:port, [IPv6 address]:port or unix:/path\n"},
    {"tls for everybody without certificate", "listen \"0.0.0.0:443\" { tls = true }" SITE,
     "t.conf:1: tls on \"0.0.0.0:443\" needs a site with certificate and key; only on loopback "
     "addresses one is made in memory\n"},
    {"https that shall not speak tls", "listen \"https://localhost:1\" {\ntls = false }" SITE,
     "t.conf:2: \"https://localhost:1\" says to speak tls\n"},
    {"a redirect from https to https", "listen \"https://localhost:1\" {\nredirect = https }" SITE,
     "t.conf:2: this listener speaks tls: a redirect to https would go round in a circle\n"},
    {"a redirect to somewhere", "listen \"localhost:1\" {\nredirect = http }" SITE,
     "t.conf:2: redirect must be https, not \"http\"\n"},
    {"trust in what is no network",
     "listen \"localhost:1\" {\ntrusted = { \"10.0.0.1/8\", \"unix\", \"lan\" } }" SITE,
     "t.conf:2: trusted \"10.0.0.1/8\" is neither an IP address nor a network such as 10.0.0.0/8 "
     "without bits behind its prefix, nor private, nor unix\n"
     "t.conf:2: trusted \"lan\" is neither an IP address nor a network such as 10.0.0.0/8 "
     "without bits behind its prefix, nor private, nor unix\n"},
    {"a field that names no client",
     "listen \"localhost:1\" {\ntrusted = private\nclient-ip = { \"X-Real-IP\", \"host\" } }" SITE,
     "t.conf:3: client-ip \"host\" is no field that names a client; such are x-forwarded-for, "
     "forwarded, x-real-ip, cf-connecting-ip and true-client-ip\n"},
    {"the word of nobody", "listen \"localhost:1\" {\nproxy = require }" SITE,
     "t.conf:2: proxy needs trusted: whose word is it?\n"},
    {"a mode that is none", "listen \"unix:/x/y\" {\nmode = \"rw\" }" SITE,
     "t.conf:2: mode \"rw\" is not three or four octal digits, such as 0660\n"},
    {"the mode of no file", "listen \"localhost:1\" {\nmode = \"0660\" }" SITE,
     "t.conf:2: mode is for unix sockets only\n"},
    {"health without a path", "listen \"localhost:1\" {\nhealth = \"ok\" }" SITE,
     "t.conf:2: health \"ok\" does not begin with /\n"},
    {"one address twice", LISTEN SITE "\nlisten \"http://127.0.0.1:8080\" {}",
     "t.conf:2: \"http://127.0.0.1:8080\" is the same address as \"127.0.0.1:8080\"\n"},
    {"an admin endpoint for everybody", LISTEN SITE "\nadmin { listen = \"0.0.0.0:9000\" }",
     "t.conf:2: the admin endpoint listens without tls, on a unix socket or a loopback address "
     "only\n"},

    {"an admin endpoint with tls", LISTEN SITE "admin { listen = \"https://localhost:9000\" }",
     "t.conf:1: the admin endpoint listens without tls, on a unix socket or a loopback address "
     "only\n"},
    {"a pool without servers", LISTEN SITE "\npool \"php\" {}",
     "t.conf:2: pool \"php\" has no servers\n"},
    {"a spawn without command", LISTEN SITE "\npool \"p\" {\nspawn { }\n}",
     "t.conf:3: spawn needs a command: command = { \"/usr/bin/php-cgi8.2\" }\n"},
    {"a program by its name only", IN_SPAWN("command = { php-cgi }"),
     "t.conf:2: command \"php-cgi\": an absolute path must come first\n"},
    {"a program that is not there", IN_SPAWN("\ncommand = { /no/such, x }"),
     "t.conf:3: command /no/such cannot be executed: No such file or directory\n"},
    {"a program that is none", IN_SPAWN("command = { /etc/passwd }"),
     "t.conf:2: command /etc/passwd cannot be executed: Permission denied\n"},
    {"a program that is a directory", IN_SPAWN("command = { /etc }"),
     "t.conf:2: command /etc cannot be executed: it is no file\n"},
    {"an environment without quotes", IN_SPAWN("command = { /bin/sh }\nenv = { A=1 }"),
     "t.conf:3: unexpected token '='\n"},
    {"names of variables that are none",
     IN_SPAWN("command = { /bin/sh }\nenv = { \"A=\", \"B\", \"=c\", \"1=2\", \"A B=c\" }"),
     "t.conf:3: env \"B\": it must be NAME=value\n"
     "t.conf:3: env \"=c\": it must be NAME=value\n"
     "t.conf:3: env \"1=2\": it must be NAME=value\n"
     "t.conf:3: env \"A B=c\": it must be NAME=value\n"},
    {"a variable twice", IN_SPAWN("command = { /bin/sh }\nenv = { \"AB=1\", \"A=2\", \"AB=3\" }"),
     "t.conf:3: env \"AB=3\": AB is set twice\n"},
    {"no processes", IN_SPAWN("command = { /bin/sh }\nprocesses = 0"),
     "t.conf:3: processes must be between 1 and 256, not 0\n"},
    {"a user that does not exist", IN_SPAWN("command = { /bin/sh }\nuser = nobody-at-all"),
     "t.conf:3: there is no user \"nobody-at-all\"\n"},
    {"several processes that open the same sockets",
     LISTEN SITE "\npool \"p\" { servers = { \"unix:/s\" } spawn { command = { /bin/sh }\n"
                 "processes = 2 } }",
     "t.conf:3: the pool has servers, so the program opens its sockets itself, and a second "
     "process could not; without servers Outrider makes a socket for all of them\n"},
    {"two spawns of a pool", IN_SPAWN("command = { /bin/sh } }\nspawn { command = { /bin/sh }"),
     "t.conf:3: spawn is given twice, first in line 2\n"},
    {"a pool that is not there", IN_SITE("pool = phq"), "t.conf:2: there is no pool \"phq\"\n"},
    {"a front controller without pool", IN_SITE("front-controller = /index.php"),
     "t.conf:2: a front-controller needs a pool that runs it\n"},
    {"a front controller that is not there", IN_SITE("front-controller = /app.php pool = php"),
     "t.conf:2: front-controller: there is no file @/www/app.php\n"},
    {"a front controller outside",
     IN_SITE("check-script = false pool = php\n"
             "front-controller = \"/../index.php\""),
     "t.conf:3: front-controller \"/../index.php\": no //, /. or /.. may stand in it\n"},
    {"a root that is not there", LISTEN "site \"a\" {\nroot = nowhere }",
     "t.conf:2: root nowhere: No such file or directory\n"},
    {"a field that frames the message", IN_SITE("headers = { \"Content-Length: 3\" }"),
     "t.conf:2: headers \"Content-Length: 3\": this field says how the message is sent, which only "
     "Outrider knows\n"},
    {"a field without a value", IN_SITE("headers = { \"X-A\" }"),
     "t.conf:2: headers \"X-A\": a field is written \"Name: value\", \"+Name: value\" to add one, "
     "\"?Name: value\" where there is none, or \"-Name\" to remove it\n"},
    {"an error page of no status", IN_SITE("error-pages = { \"/404.html\" }"),
     "t.conf:2: error-pages \"/404.html\": write statuses from 400 to 599 and a path of this site: "
     "\"404 /404.html\", \"502 503 /down.html\"\n"},
    {"a page of maintenance that is a script", IN_SITE("maintenance = \"/m.php\""),
     "t.conf:2: maintenance \"/m.php\" must be the path of a file under root that may be sent, "
     "such "
     "as /maintenance.html\n"},
    {"a network that is none", IN_SITE("allow-from = { \"10.0.0.1/8\" }"),
     "t.conf:2: allow-from \"10.0.0.1/8\" is neither an IP address nor a network such as "
     "10.0.0.0/8 without bits behind its prefix\n"},
    {"an expression that is none", IN_SITE("route \"~ ^/(a\" { mode = off }"),
     "t.conf:2: route \"~ ^/(a\": missing closing parenthesis, at character 5\n"},
    {"a redirect to a host that a client names",
     IN_SITE("route \"/x*\" {\nredirect = \"https://a.example{1}\" }"),
     "t.conf:3: redirect \"https://a.example{1}\": behind the scheme stands a host or {host}, and "
     "then a slash\n"},
    {"a variable that there is not", IN_SITE("route \"/x\" {\nrewrite = \"/{uri}\" }"),
     "t.conf:3: rewrite \"/{uri}\": between braces stand {0} to {9}, {path}, {query}, {host} or "
     "{scheme}; {{ is a brace\n"},
    {"a URL inside", IN_SITE("route \"/x\" {\ntry = { \"https://b.example/\" } }"),
     "t.conf:3: try \"https://b.example/\": it is a path of this site; redirect = "
     "\"https://...\" leads elsewhere\n"},
    {"a status that is not the last", IN_SITE("route \"/x\" {\ntry = { \"=404\", \"/y\" } }"),
     "t.conf:3: try: \"=404\" must be the last\n"},
    {"two ways at once", IN_SITE("route \"/x\" {\nredirect = \"/y\"\nrewrite = \"/z\" }"),
     "t.conf:4: a route has one of redirect, rewrite and try: write two routes\n"},
    {"a status without a redirect", IN_SITE("route \"/x\" {\nredirect-status = 301 }"),
     "t.conf:3: redirect-status is of no use without redirect\n"},
    {"a route's front controller that is not there",
     IN_SITE("pool = php\nroute \"/b/*\" {\nfront-controller = \"/b.php\" }"),
     "t.conf:4: front-controller: there is no file @/www/b.php\n"},
    {"a pool's root that is relative",
     LISTEN SITE "\npool \"p\" { servers = {\"unix:/s\"}\nroot = www }",
     "t.conf:3: root \"www\" must be an absolute path without a slash at its end\n"},
    {"a root that is a file", LISTEN "site \"a\" {\nroot = \"www/index.php\" }",
     "t.conf:2: root www/index.php is not a directory\n"},
    {"a root that is the whole machine", LISTEN "site \"a\" {\nroot = / }",
     "t.conf:2: root must not be /: every file of this machine would be served\n"},
    {"neither root nor pool", LISTEN "\nsite \"a\" {}",
     "t.conf:2: site \"a\" has neither root nor pool\n"},
    {"scripts that cannot be looked for", LISTEN POOL "\nsite \"a\" { pool = php }",
     "t.conf:2: site \"a\" needs a root where its scripts are, or check-script = false\n"},
    {"a certificate without key", IN_SITE("certificate = a.pem"),
     "t.conf:2: certificate and key belong together: one of them is missing\n"},
    {"a certificate that is not there", IN_SITE("certificate = a.pem\nkey = b.pem"),
     "t.conf:3: key \"b.pem\": No such file or directory\n"},
    {"a key that is not the certificate's", IN_SITE("certificate = a.pem\nkey = other.pem"),
     "t.conf:3: key \"other.pem\": it does not belong to the certificate\n"},
    {"a certificate that is none", IN_SITE("certificate = \"www/index.php\"\nkey = a.pem"),
     "t.conf:2: certificate \"www/index.php\": nothing of that kind in PEM form in it\n"},
    {"clients' certificates that nobody signed", IN_SITE("client-certificate = require"),
     "t.conf:2: client-certificate needs client-ca: whose certificates are believed\n"},
    {"authorities of clients whom nobody asks", IN_SITE("client-ca = a.pem"),
     "t.conf:2: nobody is asked for a certificate: client-certificate = optional, or require\n"},
    {"authorities that are none",
     IN_SITE("client-certificate = require\nclient-ca = \"www/index.php\""),
     "t.conf:3: client-ca \"www/index.php\": there is no certificate in PEM form in it\n"},
    {"lists of the revoked that are none",
     IN_SITE("client-certificate = optional\nclient-ca = a.pem\nclient-crl = a.pem"),
     "t.conf:4: client-crl \"a.pem\": there is no list (X509 CRL) in PEM form in it\n"},
    {"more responses than certificates", IN_SITE("ocsp = a.der"),
     "t.conf:2: there are more ocsp files than certificates\n"},
    {"an index file with a path", IN_SITE("index = { \"x/index.php\" }"),
     "t.conf:2: \"x/index.php\": an index file is a name without slash, and not hidden\n"},

    {"a source of evidence that does not exist",
     IN_SITE("hints {\nlearn = { \"link\", \"rumour\" } }"),
     "t.conf:3: learn must be link, html, css or request, not \"rumour\"\n"},
    {"a share without its sign", IN_SITE("hints {\nholdback = 2 }"),
     "t.conf:3: holdback must be a share such as 2% or 0.5%, not \"2\"\n"},
    {"a share of more than half", IN_SITE("hints {\nholdback = \"50.01%\" }"),
     "t.conf:3: holdback must be between 0% and 50%, not 50.01%\n"},
    {"a share that is finer than we count", IN_SITE("hints {\nholdback = \"0.125%\" }"),
     "t.conf:3: holdback must be a share such as 2% or 0.5%, not \"0.125%\"\n"},
    {"origins that are none",
     IN_SITE("hints {\norigins = { \"cdn.example\", \"https://cdn.example/\", "
             "\"https://CDN.example\", \"https://cdn.example:99999\" } }"),
     "t.conf:3: \"cdn.example\": an origin begins with https:// or http://\n"
     "t.conf:3: \"https://cdn.example/\": an origin is a scheme and a host in lower case, and a "
     "port if it needs one\n"
     "t.conf:3: \"https://CDN.example\": an origin is a scheme and a host in lower case, and a "
     "port if it needs one\n"
     "t.conf:3: \"https://cdn.example:99999\": its port is a number up to 65535\n"},
    {"query keys that are none", IN_SITE("hints {\nroute-query = { \"\", \"a=b\", \"=*\" } }"),
     "t.conf:3: \"\": a query key has a name\n"
     "t.conf:3: \"a=b\": a query key is written as in a URL, with =* behind it where its value "
     "does not matter\n"
     "t.conf:3: \"=*\": a query key has a name\n"},
    {"a pattern of pages that is no path", IN_SITE("hints {\npatterns = { \"product\" } }"),
     "t.conf:3: \"product\": a pattern of paths begins with / or *\n"},
    {"an agent without a name", IN_SITE("hints {\ndeny-agents = { \"\" } }"),
     "t.conf:3: \"\": it is empty\n"},
    {"a 103 that is too large", IN_SITE("hints {\nbytes = 16k }"),
     "t.conf:3: bytes must be between 256 and 8kB, not 16k\n"},
    {"a lifetime of assets that is none", IN_SITE("assets {\nmax-age = long }"),
     "t.conf:3: max-age must be a duration such as 500ms, 60s, 5min or 1h, not \"long\"\n"},
    {"a store without a path", LISTEN SITE "\nstore {\nflush = 1s }",
     "t.conf:2: store has no path\n"},
    {"a learner without room", LISTEN SITE "\nlearner {\nmemory = 1k }",
     "t.conf:3: memory must be between 1MB and 64GB, not 1k\n"},
    {"a mode that does not exist", IN_SITE("hints { mode = yes }"),
     "t.conf:2: mode must be off, observe, hint or push, not \"yes\"\n"},
    {"a hint that is no link", IN_SITE("route \"/\" {\nhint = { \"style.css\" } }"),
     "t.conf:3: hint \"style.css\": This is not a link: </path>; rel=preload; as=style.\n"},
    {"a rule that matches nothing", IN_SITE("route \"shop\" {}"),
     "t.conf:2: route \"shop\": a pattern of paths begins with / or *\n"},
    {"a rule for a query", IN_SITE("route \"/?p=1\" {}"),
     "t.conf:2: route \"/?p=1\": a pattern is of paths; the query is not part of it\n"},
    {"a push from elsewhere", IN_SITE("route \"/\" { push = { \"//cdn/x.css\" } }"),
     "t.conf:2: \"//cdn/x.css\": only paths of this site can be pushed, such as /style.css\n"},
};

// The folder that the tests stand in, as the configuration sees it: an "@" in the errors.
static char folder[4096];

static void expect_errors(const struct row *row, const struct config_errors *e) {
    char want[8192], *to = want;
    for (const char *p = row->errors; *p != 0; p++) {
        to += *p == '@' ? sprintf(to, "%s", folder) : sprintf(to, "%c", *p);
    }
    *to = 0;
    struct span text = buf_span(&e->text);
    if (!span_eq(text, span_str(want))) {
        fail_msg("%s\n--- wanted\n%s--- got\n%.*s", row->name, want, SPAN_ARG(text));
    }
}

static void test_what_is_wrong_is_told_with_its_line(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config c;
        struct config_errors e;
        config_errors_init(&e);
        int error = config_parse(&c, "t.conf", span_str(rows[i].text), &e);
        expect_errors(&rows[i], &e);
        assert_int_equal(error, rows[i].errors[0] ? ERR_CONFIG : 0);
        config_fini(&c);
        config_errors_fini(&e);
    }
}

static void parse(struct config *c, const char *text) {
    struct config_errors e;
    config_errors_init(&e);
    int error = config_parse(c, "t.conf", span_str(text), &e);
    if (error != 0) {
        fail_msg("%.*s", SPAN_ARG(buf_span(&e.text)));
    }
    config_errors_fini(&e);
}

static void assert_span(struct span got, const char *want) {
    if (!span_eq(got, span_str(want))) {
        fail_msg("wanted \"%s\", got \"%.*s\"", want, SPAN_ARG(got));
    }
}

// The example of product.md, with files that are here.
static const char product[] =
    "workers = auto\n"
    "user    = \"www-data\"\n"
    "listen \"0.0.0.0:443\" { tls = true }\n"
    "listen \"0.0.0.0:80\"  { redirect = \"https\" }\n"
    "pool \"php\" {\n"
    "  servers      = { \"unix:/run/php/php8.2-fpm.sock\" }\n"
    "  keepalive    = 8\n"
    "  think-timeout = 60s\n"
    "}\n"
    "site \"blog.example\" {\n"
    "  aliases          = { \"www.blog.example\" }\n"
    "  root             = \"www\"\n"
    "  front-controller = \"/index.php\"\n"
    "  pool             = \"php\"\n"
    "  certificate      = \"a.pem\"\n"
    "  key              = \"a.pem\"\n"
    "  hints {\n"
    "    mode     = hint          # off, observe, hint, push\n"
    "    learn    = { \"link\", \"html\", \"css\", \"request\" }\n"
    "    holdback = 2%\n"
    "  }\n"
    "  route \"/\"           { hint = { \"</style.css>; rel=preload; as=style\" } }\n"
    "  route \"/checkout/*\" { mode = off }\n"
    "  route \"/shop/*\"     { push = { \"/assets/critical.css\" } }\n"
    "}\n"
    "admin { listen = \"unix:/run/outrider/admin.sock\" }\n"
    "store { path = \"/var/lib/outrider/learned.db\" }\n";

static void test_the_example_of_the_product_is_read(void **state) {
    (void)state;
    struct config c;
    parse(&c, product);
    assert_int_equal(c.workers, 0);
    assert_span(c.user, "www-data");
    assert_int_equal(c.listens_n, 2);
    assert_true(c.listens[0].tls && !c.listens[0].must_self_sign && !c.listens[0].redirect);
    assert_true(!c.listens[1].tls && c.listens[1].redirect);
    assert_int_equal(c.listens[1].https_port, 443);
    assert_int_equal(c.listens[1].port, 80);
    assert_int_equal(c.pools_n, 1);
    assert_int_equal(c.pools[0].keepalive, 8);
    assert_int_equal(c.pools[0].think_timeout_ms, 60000);
    assert_int_equal(c.pools[0].server_count, 1);
    assert_span(c.pools[0].servers[0].path, "/run/php/php8.2-fpm.sock");
    assert_int_equal(c.sites_n, 1);
    const struct site *site = &c.sites[0];
    assert_span(site->name, "blog.example");
    assert_span(site->aliases.v[0], "www.blog.example");
    assert_true(site->root.p[0] == '/' && span_has_suffix(site->root, SPAN("/www")));
    assert_true(span_has_suffix(site->front.file, SPAN("/www/index.php")));
    assert_int_equal(site->pool, 0);
    assert_int_equal(site->gate.mode, HINT_MODE_HINT);
    assert_int_equal(site->policy.learn,
                     LEARNER_LINK | LEARNER_HTML | LEARNER_CSS | LEARNER_REQUEST);
    assert_int_equal(site->rules_n, 3);
    assert_false(site->rules[0].has_mode);
    assert_span(site->rules[0].hints.v[0], "</style.css>; rel=preload; as=style");
    assert_non_null(site->rules[0].plan);
    assert_int_equal(site->rules[0].plan->hints_n, 1);
    assert_true(site->rules[1].has_mode);
    assert_int_equal(site->rules[1].mode, HINT_MODE_OFF);
    assert_null(site->rules[1].plan);
    assert_span(site->rules[2].pushes.v[0], "/assets/critical.css");
    assert_true(c.has_admin);
    assert_span(c.admin.path, "/run/outrider/admin.sock");
    config_fini(&c);
}

static void test_what_is_not_written_has_its_default(void **state) {
    (void)state;
    struct config c;
    parse(&c, LISTEN POOL SITE);
    assert_int_equal(c.log, CONFIG_LOG_INFO);
    assert_int_equal(c.timeouts.ms[LIMIT_IDLE], 60000);
    assert_int_equal(c.timeouts.ms[LIMIT_HEAD], 10000);
    assert_int_equal(c.timeouts.rate[RATE_DOWN], 2048);
    assert_int_equal(c.pools[0].keepalive, 0);
    assert_int_equal(c.pools[0].connect_timeout_ms, 2000);
    const struct site *site = &c.sites[0];
    assert_int_equal(site->index.n, 2);
    assert_span(site->index.v[0], "index.php");
    assert_int_equal(site->index_len, strlen("index.html"));
    assert_span(site->suffixes.v[0], ".php");
    assert_int_equal(site->denied_files.n, 4);
    assert_int_equal(site->front.path.n, 0);
    assert_int_equal(site->pool, SITE_NO_POOL);
    assert_int_equal(site->body_limit, 64 << 20);
    assert_true(site->must_check);
    assert_int_equal(site->gate.mode, HINT_MODE_HINT);
    assert_int_equal(site->gate.clients, GATE_BROWSERS);
    assert_int_equal(site->policy.learn,
                     LEARNER_LINK | LEARNER_HTML | LEARNER_CSS | LEARNER_REQUEST);
    assert_false(c.has_admin);
    config_fini(&c);
}

static void assert_warned(const char *text, const char *want) {
    struct config c;
    struct config_errors e;
    config_errors_init(&e);
    assert_int_equal(config_parse(&c, "t.conf", span_str(text), &e), 0);
    assert_span(buf_span(&e.text), want);
    config_errors_fini(&e);
    config_fini(&c);
}

static void test_what_only_clients_refuse_of_a_certificate_is_told_and_no_error(void **state) {
    (void)state;
    assert_warned(IN_SITE("certificate = old.pem\nkey = old.pem"),
                  "t.conf:2: warning: certificate \"old.pem\": it has expired\n");
    assert_warned(
        IN_SITE("certificate = a.pem\nkey = a.pem\naliases = { \"blog.example\", c.example }"),
        "t.conf:2: warning: certificate \"a.pem\": it is not for \"c.example\": browsers refuse "
        "that "
        "name; have it added to the certificate\n");
}

static void test_a_list_adds_to_its_default(void **state) {
    (void)state;
    const struct {
        const char *text;
        size_t n;
        const char *first, *last;
    } lists[] = {
        {"", 4, "*~", "*.swp"},
        {"deny-files = {}", 4, "*~", "*.swp"},
        {"deny-files = {\"/private/*\"}", 5, "/private/*", "*.swp"},
        {"deny-files += {\"/private/*\"}", 5, "*~", "/private/*"},
        {"deny-files = {\"*.bak\", \"/x\"}", 5, "*.bak", "*.swp"},
        {"deny-files = {\"none\", \"/x\", \"/y\"}", 2, "/x", "/y"},
        {"deny-files = {\"none\"}", 0, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        char text[256];
        struct config c;
        snprintf(text, sizeof text, LISTEN POOL "site \"a\" { root = \"/tmp\" %s }", lists[i].text);
        parse(&c, text);
        const struct span_list *list = &c.sites[0].denied_files;
        if (list->n != lists[i].n) {
            fail_msg("%s: %zu", lists[i].text, list->n);
        }
        if (list->n > 0) {
            assert_span(list->v[0], lists[i].first);
            assert_span(list->v[list->n - 1], lists[i].last);
        }
        config_fini(&c);
    }
}

static void test_lists_that_choose_replace_their_default(void **state) {
    (void)state;
    struct config c;
    parse(&c, LISTEN POOL "site \"a\" { root = \"/tmp\" index = {\"home.html\"} "
                          "scripts = {\".phtml\"} hints { learn = {\"css\"} "
                          "route-query = {\"product\"} } }");
    const struct site *site = &c.sites[0];
    assert_int_equal(site->index.n, 1);
    assert_int_equal(site->policy.learn, LEARNER_CSS);
    assert_int_equal(site->suffixes.n, 2);
    assert_span(site->suffixes.v[1], ".php");
    assert_int_equal(site->route_query.n, 10);
    config_fini(&c);
}

static void test_every_default_is_a_value_of_its_option(void **state) {
    (void)state;
    for (enum option id = 0; id < OPTION_COUNT; id++) {
        const struct option_row *row = option_row(id);
        char why[OPTION_WHY_LEN];
        uint64_t value;
        if (row->standard[0] != 0 && row->type < OPTION_TEXT_TYPE &&
            option_parse(id, span_str(row->standard), &value, why) != 0) {
            fail_msg("%s: %s", row->name, why);
        }
    }
}

static void test_a_bad_text_does_not_spoil_the_next(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config c;
        struct config_errors e;
        config_errors_init(&e);
        config_parse(&c, "t.conf", span_str(rows[i].text), &e);
        config_fini(&c);
        config_errors_fini(&e);
        parse(&c, product);
        assert_int_equal(c.sites[0].rules_n, 3);
        config_fini(&c);
    }
}

static void test_a_file_is_read(void **state) {
    (void)state;
    FILE *f = fopen("o.conf", "w");
    assert_non_null(f);
    fputs(product, f);
    fclose(f);
    struct config c;
    struct config_errors e;
    config_errors_init(&e);
    assert_int_equal(config_load(&c, "o.conf", &e), 0);
    assert_int_equal(c.sites_n, 1);
    config_fini(&c);
    assert_int_equal(config_load(&c, "nowhere.conf", &e), ERR_CONFIG);
    assert_span(buf_span(&e.text), "nowhere.conf: cannot be read: No such file or directory\n");
    config_fini(&c);
    assert_int_equal(config_load(&c, ".", &e), ERR_CONFIG);
    config_fini(&c);
    config_errors_fini(&e);
}

static void test_arguments_stand_for_a_file(void **state) {
    (void)state;
    struct config_args args = {0};
    *args_place(&args, "--root") = "www";
    *args_place(&args, "--fastcgi") = "unix:/run/fpm.sock";
    *args_place(&args, "--listen") = "https://localhost:8443";
    *args_place(&args, "--front-controller") = "/index.php";
    *args_place(&args, "--mode") = "push";
    *args_place(&args, "--workers") = "3";
    assert_null(args_place(&args, "--rot"));
    struct config c;
    struct config_errors e;
    config_errors_init(&e);
    int error = config_args(&c, &args, &e);
    assert_span(buf_span(&e.text), "");
    assert_int_equal(error, 0);
    assert_int_equal(c.workers, 3);
    assert_true(c.listens[0].tls && c.listens[0].must_self_sign);
    assert_span(c.listens[0].host, "localhost");
    assert_int_equal(c.listens[0].port, 8443);
    assert_span(c.sites[0].name, "localhost");
    assert_span(c.sites[0].aliases.v[1], "[::1]");
    assert_int_equal(c.sites[0].gate.mode, HINT_MODE_PUSH);
    assert_int_equal(c.sites[0].pool, 0);
    assert_int_equal(c.pools[0].think_timeout_ms, 60000);
    config_fini(&c);
    config_errors_fini(&e);
}

static void test_programs_to_be_started(void **state) {
    (void)state;
    struct config c;
    parse(&c, LISTEN SITE POOL "pool \"a\" { spawn { command = { /bin/sh, \"-c\", \"x y\" } } }"
                               "pool \"b\" { servers = { \"unix:/s\" }\n"
                               "spawn { command = { /bin/sh } user = root env = { } } }"
                               "pool \"c\" { spawn { command = { /bin/sh } processes = 9 } }");
    assert_int_equal(c.pools_n, 4);
    assert_int_equal(c.spawns_n, 3);
    const struct spawn_conf *s = c.spawns;
    assert_int_equal(s[0].pool, 1);
    assert_int_equal(c.pools[1].server_count, 0);
    assert_int_equal(s[0].command.n, 3);
    assert_span(s[0].command.v[0], "/bin/sh");
    assert_span(s[0].command.v[2], "x y");
    assert_int_equal(s[0].processes, 4);
    assert_int_equal(s[0].env.n, 1);
    assert_span(s[0].env.v[0], "PHP_FCGI_MAX_REQUESTS=10000");
    assert_int_equal(s[0].user.n, 0);
    assert_int_equal(s[1].pool, 2);
    assert_int_equal(s[1].processes, 1);
    assert_int_equal(s[1].env.n, 0);
    assert_span(s[1].user, "root");
    assert_int_equal(s[2].pool, 3);
    assert_int_equal(s[2].processes, 9);
    config_fini(&c);
}

static void test_a_program_as_an_argument(void **state) {
    (void)state;
    struct config_args args = {
        .root = "www", .listen = "127.0.0.1:80", .spawn = " /bin/sh  -c $x\"\\ "};
    struct config c;
    struct config_errors e;
    config_errors_init(&e);
    assert_int_equal(config_args(&c, &args, &e), 0);
    assert_int_equal(c.spawns_n, 1);
    assert_int_equal(c.spawns[0].command.n, 3);
    assert_span(c.spawns[0].command.v[0], "/bin/sh");
    assert_span(c.spawns[0].command.v[1], "-c");
    assert_span(c.spawns[0].command.v[2], "$x\"\\");
    assert_int_equal(c.sites[0].pool, 0);
    assert_int_equal(c.pools[0].server_count, 0);
    config_fini(&c);
    args.fastcgi = "unix:/run/fpm.sock"; // which the program opens
    assert_int_equal(config_args(&c, &args, &e), 0);
    assert_int_equal(c.pools[0].server_count, 1);
    assert_int_equal(c.spawns[0].processes, 1);
    config_fini(&c);
    args.spawn = "/no/such";
    assert_int_equal(config_args(&c, &args, &e), ERR_CONFIG);
    config_fini(&c);
    args.spawn = " ";
    assert_int_equal(config_args(&c, &args, &e), ERR_CONFIG);
    assert_span(buf_span(&e.text),
                "--spawn: command /no/such cannot be executed: No such file or directory\n"
                "--spawn: spawn needs a command: command = { \"/usr/bin/php-cgi8.2\" }\n");
    config_fini(&c);
    config_errors_fini(&e);
}

static void test_wrong_arguments_are_named(void **state) {
    (void)state;
    struct config_args args = {.root = "no\"where${X}\\",
                               .fastcgi = "unix:",
                               .listen = "0.0.0.0:99999",
                               .mode = "loud",
                               .admin = "1.2.3.4:1",
                               .workers = "\"",
                               .behind = "proxy",
                               .listens = {"0.0.0.0:1"},
                               .listens_n = 1,
                               .check_script = "maybe"};
    struct config c;
    struct config_errors e;
    config_errors_init(&e);
    assert_int_equal(config_args(&c, &args, &e), ERR_CONFIG);
    const char *want[] = {
        "--workers: workers must be a whole number, not \"\"\"\n",
        "--fastcgi: server \"unix:\": ",
        "--root: root no\"where${X}\\: No such file or directory\n",
        "--check-script: check-script must be true or false, not \"maybe\"\n",
        "--mode: mode must be off, observe, hint or push, not \"loud\"\n",
        "--listen: address \"0.0.0.0:99999\": the port must be a number up to 65535\n",
        "--admin: the admin endpoint listens without tls",
        "--behind: trusted \"proxy\" is neither",
    };
    struct span text = buf_span(&e.text);
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        if (span_find(text, span_str(want[i])) == text.n) {
            fail_msg("missing %s in\n%.*s", want[i], SPAN_ARG(text));
        }
    }
    assert_int_equal(e.count, 8); // a bad --listen is not looked at further
    config_fini(&c);
    config_errors_fini(&e);
}

static void put_file(const char *path) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
}

// A certificate and its key in one file.
static void put_pair(const char *path, int64_t unix_time) {
    static const struct span names[] = {SPAN_INIT("a.example"), SPAN_INIT("blog.example"),
                                        SPAN_INIT("www.blog.example")};
    struct tls_self_signed made;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(tls_self_signed_init(&made, names, 3, unix_time), 0);
    PEM_write_X509(f, made.certificate);
    PEM_write_PrivateKey(f, made.key, NULL, NULL, 0, NULL, NULL);
    tls_self_signed_fini(&made);
    fclose(f);
}

static int enter_folder(void **state) {
    (void)state;
    static char template[] = "/tmp/outrider-config-XXXXXX";
    assert_non_null(mkdtemp(template));
    assert_int_equal(chdir(template), 0);
    assert_int_equal(mkdir("www", 0755), 0);
    put_file("www/index.php");
    put_pair("a.pem", time(NULL));
    put_pair("other.pem", time(NULL));
    put_pair("old.pem", 1000000000);
    assert_non_null(getcwd(folder, sizeof folder));
    return 0;
}

static int leave_folder(void **state) {
    (void)state;
    unlink("www/index.php");
    unlink("a.pem");
    unlink("other.pem");
    unlink("old.pem");
    unlink("o.conf");
    rmdir("www");
    return chdir("/") != 0 || rmdir(folder) != 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(test_the_example_of_the_product_is_read),
        cmocka_unit_test(test_what_is_not_written_has_its_default),
        cmocka_unit_test(test_what_only_clients_refuse_of_a_certificate_is_told_and_no_error),
        cmocka_unit_test(test_a_list_adds_to_its_default),
        cmocka_unit_test(test_lists_that_choose_replace_their_default),
        cmocka_unit_test(test_every_default_is_a_value_of_its_option),
        cmocka_unit_test(test_a_bad_text_does_not_spoil_the_next),
        cmocka_unit_test(test_a_file_is_read),
        cmocka_unit_test(test_arguments_stand_for_a_file),
        cmocka_unit_test(test_programs_to_be_started),
        cmocka_unit_test(test_a_program_as_an_argument),
        cmocka_unit_test(test_wrong_arguments_are_named),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
