// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sashlock/sashlock/internal/ledger/proof"
)

// SignCheckpoint returns a signed checkpoint (C2SP tlog-checkpoint in a C2SP
// signed note) that says: the ledger named origin has size entries and this
// root. The signer's name must be the origin. Signers come from
// note.NewSigner; key pairs for a new store from note.GenerateKey.
func SignCheckpoint(signer note.Signer, origin string, size int64, root tlog.Hash) (string, error) {
	if signer == nil {
		return "", errors.New("signing a checkpoint: no signing key was given")
	}
	if origin == "" || signer.Name() != origin {
		return "", fmt.Errorf("signing a checkpoint: the key is of %q, the ledger is %q", signer.Name(), origin)
	}
	if size < 0 || size > proof.MaxTreeSize {
		return "", fmt.Errorf("signing a checkpoint: the size %d is out of range", size)
	}
	c := proof.Checkpoint{Origin: origin, Size: size, Root: root}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, signer)
	if err != nil {
		return "", fmt.Errorf("signing a checkpoint of size %d: %w", size, err)
	}
	return string(signed), nil
}

// OpenCheckpoint checks a signed checkpoint and returns what it states; it is
// [proof.OpenCheckpoint], where the rules are written down.
func OpenCheckpoint(text string, verifiers ...note.Verifier) (proof.Checkpoint, error) {
	return proof.OpenCheckpoint(text, verifiers...)
}
