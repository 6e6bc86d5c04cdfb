// Program control_plane is etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl
// in one: the first argument says which, the others are that program's own.
//
// One program links the code that they share once, which halves the build and the disk of the tests.
package main

import (
	"fmt"
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

var programs = map[string]func() int{
	"etcd":                    func() int { etcdmain.Main(os.Args); return 0 },
	"kube-apiserver":          func() int { return cli.Run(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() int { return cli.Run(controllermanager.NewControllerManagerCommand()) },
	"kube-scheduler":          func() int { return cli.Run(scheduler.NewSchedulerCommand()) },
	"kubectl":                 runKubectl,
}

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	program, known := programs[os.Args[1]]
	if !known {
		usage()
	}
	os.Args = os.Args[1:]
	os.Exit(program())
}

func runKubectl() int {
	// The verbosity is read early, as kubectl's own main does, so that -v reaches the first request.
	_, _ = logs.GlogSetter(kubectl.GetLogVerbosity(os.Args))
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		kubectlutil.CheckErr(err)
	}
	return 0
}

func usage() {
	fmt.Fprintln(os.Stderr, "Usage: control_plane etcd|kube-apiserver|kube-controller-manager|kube-scheduler|kubectl [ARGS…]")
	os.Exit(2)
}
