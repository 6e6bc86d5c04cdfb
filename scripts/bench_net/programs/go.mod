// What the benchmark of the network runs beside the guests of the tests: the load, and a server.
module krustlet.dev/scripts/bench_net

go 1.26.0
