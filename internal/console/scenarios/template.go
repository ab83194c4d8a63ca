// SPDX-License-Identifier: Apache-2.0

package scenarios

import (
	"context"

	"github.com/sashlock/sashlock/internal/lang"
	"github.com/sashlock/sashlock/internal/scenario"
)

// template is a scenario to begin with.
type template struct {
	Kind scenario.Kind
	Text string
	make func(ctx context.Context, site string) scenario.Scenario
}

// templates are what new scenarios may begin with.
func templates() []template {
	return []template{
		{scenario.PeakHour, lang.Mark("Cases are held unlocked while the tills are busy"), peakHour},
		{scenario.Lockdown, lang.Mark("Nothing opens until somebody ends it"), lockdown},
		{scenario.Special, lang.Mark("A sale night or a stock-take, with a date"), special},
		{scenario.Opening, lang.Mark("A list that checks itself in the morning"), morning},
		{scenario.Closing, lang.Mark("A list that checks itself at night"), evening},
		{scenario.Other, lang.Mark("Begun by a schedule or an event"), other},
	}
}

func peakHour(ctx context.Context, site string) scenario.Scenario {
	return scenario.Scenario{
		Name: lang.T(ctx, "Peak hour"), Kind: scenario.PeakHour, Site: site,
		Trigger: scenario.Trigger{Rate: &scenario.Rate{Of: scenario.Sales, Over: "15m", Rise: 40, RiseHold: "5m", Fall: 25, FallHold: "10m"}, Button: true},
		Actions: scenario.Actions{Hold: []scenario.Hold{{PerAssociate: 2}}, Threat: "peak"},
		Guard:   scenario.Guard{Longest: "3h"}, Revert: scenario.Revert{WithTrigger: true},
	}
}

func lockdown(ctx context.Context, site string) scenario.Scenario {
	return scenario.Scenario{
		Name: lang.T(ctx, "Lockdown"), Kind: scenario.Lockdown, Site: site, Trigger: scenario.Trigger{Button: true},
		Actions: scenario.Actions{Lock: []scenario.Where{{All: true}}, Threat: "lockdown"},
	}
}

func special(ctx context.Context, site string) scenario.Scenario {
	return scenario.Scenario{
		Name: lang.T(ctx, "Sale night"), Kind: scenario.Special, Site: site, Trigger: scenario.Trigger{Dates: &scenario.Dates{}},
		Actions: scenario.Actions{Threat: "event"}, Revert: scenario.Revert{WithSchedule: true}, Rank: 10,
	}
}

func morning(ctx context.Context, site string) scenario.Scenario {
	return scenario.Scenario{
		Name: lang.T(ctx, "Opening the store"), Kind: scenario.Opening, Site: site, Trigger: scenario.Trigger{Button: true},
		Check:  scenario.Checklist{Items: []scenario.Item{scenario.AllReachable, scenario.NoAlarms, scenario.CagesArmed}},
		Revert: scenario.Revert{After: "2h"},
	}
}

func evening(ctx context.Context, site string) scenario.Scenario {
	return scenario.Scenario{
		Name: lang.T(ctx, "Closing the store"), Kind: scenario.Closing, Site: site, Trigger: scenario.Trigger{Button: true},
		Check:  scenario.Checklist{Items: []scenario.Item{scenario.AllLocked, scenario.AllClosed, scenario.CagesArmed, scenario.NoneReleased, scenario.NoneHeldUnlocked}},
		Revert: scenario.Revert{After: "2h"},
	}
}

func other(_ context.Context, site string) scenario.Scenario {
	return scenario.Scenario{Kind: scenario.Other, Site: site, Revert: scenario.Revert{After: "1h"}}
}
