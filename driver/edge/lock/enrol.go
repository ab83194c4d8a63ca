// SPDX-License-Identifier: Apache-2.0

package lock

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"

	"github.com/eclipse/paho.golang/paho"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/driver/edge"
	"github.com/sashlock/sashlock/internal/devicekeys"
)

// Identity is what a device has to keep after it has enrolled. The key never
// leaves it.
type Identity struct {
	Site        string            `json:"site"`
	Address     string            `json:"address"`
	Authority   [16]byte          `json:"authority"` // the beginning of the authority's fingerprint
	Certificate string            `json:"certificate"`
	Key         string            `json:"key"` // PEM; secret
	CommandKey  ed25519.PublicKey `json:"command_key"`
}

// TLS returns how the device connects.
func (i Identity) TLS() (*tls.Config, error) {
	pair, err := i.pair()
	if err != nil {
		return nil, err
	}
	return devicekeys.Trust(i.Authority, &pair), nil
}

// Enrol makes a key and has the house sign for it. The code is good once.
func Enrol(ctx context.Context, endpoint, code string) (Identity, error) {
	c, err := devicekeys.ParseCode(code)
	if err != nil {
		return Identity{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Identity{}, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Identity{}, err
	}
	request, err := requestFor(c.Address, key)
	if err != nil {
		return Identity{}, err
	}
	answer, err := ask(ctx, asking{
		op: "enrolling", endpoint: endpoint, site: c.Site, address: c.Address, tls: devicekeys.Trust(c.Authority, nil), request: request,
		refused: "the house does not take the code: make another",
		hello:   paho.Connect{Username: edge.EnrolUser, UsernameFlag: true, Password: []byte(c.String()), PasswordFlag: true},
	})
	if err != nil {
		return Identity{}, err
	}
	return Identity{
		Site: c.Site, Address: c.Address, Authority: c.Authority, Certificate: answer.Certificate,
		Key:        string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})),
		CommandKey: answer.CommandKey,
	}, nil
}

// requestFor asks for a certificate for a key, as PEM.
func requestFor(address string, key crypto.Signer) ([]byte, error) {
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: address}}, key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request}), nil
}

// asking is a request for a certificate.
type asking struct {
	op            string // for errors
	endpoint      string
	site, address string
	tls           *tls.Config
	hello         paho.Connect
	refused       string // what to do when the house does not let the device in
	request       []byte
}

func (a asking) topic(sort string) string { return edge.Topic(a.site, a.address, sort) }

func (a asking) unreachable(err error) error {
	return &sashlock.Error{Kind: sashlock.Unavailable, Op: a.op, Subject: a.endpoint,
		Hint: "nobody answers there as this house would: check the address, and whether the code is still good", Err: err}
}

// ask sends a certificate request on a connection of its own and waits for the
// answer.
func ask(ctx context.Context, a asking) (edge.Enrolled, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	took := make(chan []byte, 1)
	ctx, client, err := dial(ctx, a.endpoint, a.tls, func(p *paho.Publish) {
		select {
		case took <- p.Payload:
		default: // one answer is enough
		}
	})
	if err != nil {
		return edge.Enrolled{}, a.unreachable(err)
	}
	defer client.Disconnect(&paho.Disconnect{}) //nolint:errcheck // the connection is closed in any case
	a.hello.CleanStart, a.hello.KeepAlive = true, 30
	if _, err := client.Connect(ctx, &a.hello); err != nil {
		return edge.Enrolled{}, &sashlock.Error{Kind: sashlock.Denied, Op: a.op, Subject: a.endpoint, Hint: a.refused, Err: err}
	}
	if _, err := client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: a.topic("cert"), QoS: 1}}}); err != nil {
		return edge.Enrolled{}, a.unreachable(err)
	}
	if _, err := client.Publish(ctx, &paho.Publish{Topic: a.topic("csr"), QoS: 1, Payload: a.request}); err != nil {
		return edge.Enrolled{}, a.unreachable(err)
	}
	select {
	case payload := <-took:
		var answer edge.Enrolled
		if err := json.Unmarshal(payload, &answer); err != nil {
			return answer, a.unreachable(err)
		}
		if answer.Error != "" || len(answer.CommandKey) != ed25519.PublicKeySize {
			return answer, &sashlock.Error{Kind: sashlock.Denied, Op: a.op, Subject: a.endpoint, Hint: "the house did not sign", Err: errors.New(answer.Error)}
		}
		return answer, nil
	case <-ctx.Done():
		return edge.Enrolled{}, a.unreachable(ctx.Err())
	}
}
