// SPDX-License-Identifier: Apache-2.0

package lock

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/devicekeys"
)

const (
	// renewAt is the share of a certificate's life that is left when it is
	// renewed: with two years, half a year before the end.
	renewAt = 4
	// renewEvery is how often a lock looks whether its certificate is due.
	renewEvery = 12 * time.Hour
	// RenewAgain is after how long it tries again when the house did not answer.
	RenewAgain = 30 * time.Second
)

// pair is the certificate with its key.
func (i Identity) pair() (tls.Certificate, error) {
	pair, err := tls.X509KeyPair([]byte(i.Certificate), []byte(i.Key))
	if err != nil {
		err = &sashlock.Error{Kind: sashlock.Invalid, Op: "reading the device's identity", Hint: "enrol the device again", Err: err}
	}
	return pair, err
}

// Due reports whether less than a quarter of the certificate's life is left.
func (i Identity) Due(now time.Time) (bool, error) {
	pair, err := i.pair()
	if err != nil {
		return false, err
	}
	c, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return false, err
	}
	return c.NotAfter.Sub(now) < c.NotAfter.Sub(c.NotBefore)/renewAt, nil
}

// Renew has the house make a new certificate for the same key, on a connection
// beside the lock's own.
func Renew(ctx context.Context, endpoint string, i Identity) (Identity, error) {
	pair, err := i.pair()
	if err != nil {
		return i, err
	}
	key, is := pair.PrivateKey.(crypto.Signer)
	if !is {
		return i, &sashlock.Error{Kind: sashlock.Invalid, Op: "renewing certificate", Hint: "enrol the device again"}
	}
	request, err := requestFor(i.Address, key)
	if err != nil {
		return i, err
	}
	answer, err := ask(ctx, asking{
		op: "renewing certificate", endpoint: endpoint, site: i.Site, address: i.Address, tls: devicekeys.Trust(i.Authority, &pair), request: request,
		refused: "the house does not know this device any more: enrol it again",
		hello:   paho.Connect{ClientID: i.Address + "/renewal"},
	})
	if err != nil {
		return i, err
	}
	i.Certificate = answer.Certificate
	_, err = i.pair() // it is for our key, or it is worth nothing
	return i, err
}

// Keeper keeps an identity good: it renews the certificate before it ends. The
// lock's next connection shows the new one.
type Keeper struct {
	Endpoint string
	Now      func() time.Time
	Keep     func(Identity) error // writes down what was renewed, before it is used
	Say      func(what string)
	// Again is after how long a renewal that failed is tried again, such as
	// [RenewAgain]; each further try waits twice as long.
	Again time.Duration

	now atomic.Pointer[tls.Certificate]
}

// TLS returns how the device connects, from now on with what is newest.
func (k *Keeper) TLS(i Identity) (*tls.Config, error) {
	pair, err := i.pair()
	if err != nil {
		return nil, err
	}
	k.now.Store(&pair)
	how := devicekeys.Trust(i.Authority, nil)
	how.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return k.now.Load(), nil }
	return how, nil
}

// Run renews what is due, until the context ends.
func (k *Keeper) Run(ctx context.Context, i Identity) {
	failed := k.Again
	for {
		renewed, err := k.look(ctx, i)
		pause := renewEvery
		if err != nil {
			k.Say("the certificate was not renewed: " + err.Error())
			pause, failed = failed, min(2*failed, renewEvery)
		} else {
			failed = k.Again
		}
		i = renewed
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
	}
}

// look renews an identity if it is due.
func (k *Keeper) look(ctx context.Context, i Identity) (Identity, error) {
	if due, err := i.Due(k.Now()); err != nil || !due {
		return i, err
	}
	renewed, err := Renew(ctx, k.Endpoint, i)
	if err != nil {
		return i, err
	}
	if err := k.Keep(renewed); err != nil {
		return i, err
	}
	pair, err := renewed.pair()
	if err != nil {
		return i, err
	}
	k.now.Store(&pair)
	k.Say("certificate renewed")
	return renewed, nil
}
