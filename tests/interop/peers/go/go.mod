module espalier.dev/peers/go

go 1.27
