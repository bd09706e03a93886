// SPDX-License-Identifier: MIT
// Go's net/http with HTTP/2; the trace tells of interim responses.
package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	pem, err := os.ReadFile(os.Getenv("CA"))
	must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	for number, url := range os.Args[1:] {
		early := 0
		request, err := http.NewRequest("GET", url, nil)
		must(err)
		request = request.WithContext(httptrace.WithClientTrace(request.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
				if code == 103 {
					early++
				}
				return nil
			},
			GotConn: func(info httptrace.GotConnInfo) {
				if number > 0 && !info.Reused {
					must(fmt.Errorf("made a new connection"))
				}
			}}))
		response, err := client.Do(request)
		must(err)
		hash := sha256.New()
		_, err = io.Copy(hash, response.Body)
		must(err)
		response.Body.Close()
		if response.ProtoMajor != 2 {
			must(fmt.Errorf("not HTTP/2 but %s", response.Proto))
		}
		fmt.Printf("%d %x %d\n", response.StatusCode, hash.Sum(nil), early)
	}
}
