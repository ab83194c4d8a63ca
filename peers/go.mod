// A module of its own, so that the go command leaves alone what npm puts here.
module github.com/sashlock/sashlock/peers

go 1.26.0
