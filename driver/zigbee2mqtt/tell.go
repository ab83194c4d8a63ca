// SPDX-License-Identifier: Apache-2.0

package zigbee2mqtt

import (
	"context"
	"reflect"

	"github.com/sashlock/sashlock/driver"
)

// news is one thing to tell the sink, or a message to acknowledge once all
// before it was told.
type news = driver.News

// post hands work to the session's goroutine and waits until the sink has
// taken what came of it.
func (*session) post(ctx context.Context, l *link, work func() []news) error {
	return l.posts.Send(ctx, l.ctx, work)
}

// tell gives the sink its news, one after the other, each until it is taken.
func (s *session) tell(told []news) { driver.Tell(s.life, s.sink, told) }

func same(a, b driver.Discovery) bool { return reflect.DeepEqual(a, b) }
