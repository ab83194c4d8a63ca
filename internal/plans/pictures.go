// SPDX-License-Identifier: Apache-2.0

package plans

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/sashlock/sashlock"
	"github.com/sashlock/sashlock/internal/flow"
	"github.com/sashlock/sashlock/internal/store"
)

// The media types of pictures that are kept.
const (
	SVG  = "image/svg+xml"
	PNG  = "image/png"
	JPEG = "image/jpeg"
)

// Picture is the ground of a site's plan or the photo of an opening, as [Clean]
// and [CleanPhoto] made it.
type Picture struct {
	ID            string // that of the site or of the opening
	Kind          string // media type
	Width, Height int    // in points, or in whatever unit the drawing has
	Content       []byte
	Left          []string // what was left out of it, in no words of the picture; not kept
	Rev           int64
}

// Address is where the picture is served. It changes with the picture.
func (p Picture) Address() string {
	return "/pictures/" + p.ID + "?v=" + strconv.FormatInt(p.Rev, 10)
}

// ratio is the height in thousandths of the width, within what fits on a page.
func (p Picture) ratio() int {
	return min(max(p.Height*1000/max(p.Width, 1), 200), 2500)
}

const pictureColumns = `id, kind, width, height, rev`

// look finds a picture without its content.
func look(q store.Query, id string) (p Picture, known bool, err error) {
	read := func(scan store.Scan) (p Picture, err error) {
		return p, scan(&p.ID, &p.Kind, &p.Width, &p.Height, &p.Rev)
	}
	all, err := store.Rows(q, read, `SELECT `+pictureColumns+` FROM pictures WHERE id = ?`, id)
	if err != nil || len(all) == 0 {
		return p, false, err
	}
	return all[0], true, nil
}

// PictureOf returns the picture of a site's plan or the photo of an opening, by
// the identifier of either, with its content.
func PictureOf(q store.Query, id string) (Picture, error) {
	read := func(scan store.Scan) (p Picture, err error) {
		return p, scan(&p.ID, &p.Kind, &p.Width, &p.Height, &p.Rev, &p.Content)
	}
	return store.One(q, read, "picture", id, `SELECT `+pictureColumns+`, content FROM pictures WHERE id = ?`, id)
}

// HasPhoto reports whether there is a photo of an opening. It is served at
// /openings/{slug}/photo.
func HasPhoto(q store.Query, opening sashlock.OpeningID) (bool, error) {
	_, known, err := look(q, string(opening))
	return known, err
}

// Photos returns the revision of the photo of each opening that has one.
func Photos(q store.Query) (map[sashlock.OpeningID]int64, error) {
	type row struct {
		opening sashlock.OpeningID
		rev     int64
	}
	read := func(scan store.Scan) (r row, err error) { return r, scan(&r.opening, &r.rev) }
	rows, err := store.Rows(q, read, `SELECT opening, rev FROM pictures WHERE opening IS NOT NULL`)
	all := make(map[sashlock.OpeningID]int64, len(rows))
	for _, r := range rows {
		all[r.opening] = r.rev
	}
	return all, err
}

// SavePicture keeps a clean picture as the ground of a site's plan.
func SavePicture(tx *store.Tx, site sashlock.SiteID, p Picture) (flow.Edit, error) {
	p.ID = string(site)
	return keep(tx, p, sashlock.Event{Kind: sashlock.PictureSaved, Site: site}, store.Fields{"site": site})
}

// SavePhoto keeps a clean picture as the photo of an opening.
func SavePhoto(tx *store.Tx, o sashlock.Opening, p Picture) (flow.Edit, error) {
	p.ID = string(o.ID)
	return keep(tx, p, sashlock.Event{Kind: sashlock.PictureSaved, Site: o.Site, Opening: o.ID}, store.Fields{"opening": o.ID})
}

func keep(tx *store.Tx, p Picture, saved sashlock.Event, owner store.Fields) (flow.Edit, error) {
	sum := sha256.Sum256(p.Content)
	saved.Subject = p.ID
	var err error
	saved.Data, err = json.Marshal(map[string]any{
		"kind": p.Kind, "width": p.Width, "height": p.Height, "bytes": len(p.Content), "sha256": hex.EncodeToString(sum[:]),
	})
	if err != nil {
		return flow.Edit{}, err
	}
	// Browsers keep a picture by its revision, so that of one that was removed
	// must not come again: it is the time.
	fields := store.Fields{"id": p.ID, "kind": p.Kind, "width": p.Width, "height": p.Height, "content": p.Content, "rev": tx.Now().UnixMilli()}
	for k, v := range owner {
		fields[k] = v
	}
	return flow.Edit{Events: []sashlock.Event{saved}}, tx.Put("pictures", "id", fields)
}

// RemovePicture removes the picture of a site's plan or the photo of an
// opening. Without one it changes nothing.
func RemovePicture(tx *store.Tx, site sashlock.SiteID, opening sashlock.OpeningID) (flow.Edit, error) {
	id := string(opening)
	if opening == "" {
		id = string(site)
	}
	_, known, err := look(tx, id)
	if err != nil || !known {
		return flow.Edit{}, err
	}
	gone := sashlock.Event{Kind: sashlock.PictureSaved, Site: site, Opening: opening, Subject: id, Data: json.RawMessage(`{"removed":true}`)}
	return flow.Edit{Events: []sashlock.Event{gone}}, tx.Remove("pictures", "picture", id, id)
}
