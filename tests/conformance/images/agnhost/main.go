// Program agnhost is the suite's own helper program: its commands are Kubernetes' packages,
// unchanged, but for mounttest, which asks the system what WASI does not tell, and nettest.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/kubernetes/test/images/agnhost/connect"
	"k8s.io/kubernetes/test/images/agnhost/dns"
	"k8s.io/kubernetes/test/images/agnhost/entrypoint-tester"
	"k8s.io/kubernetes/test/images/agnhost/fakegitserver"
	"k8s.io/kubernetes/test/images/agnhost/fakeregistryserver"
	grpchealthchecking "k8s.io/kubernetes/test/images/agnhost/grpc-health-checking"
	"k8s.io/kubernetes/test/images/agnhost/guestbook"
	"k8s.io/kubernetes/test/images/agnhost/liveness"
	logsgenerator "k8s.io/kubernetes/test/images/agnhost/logs-generator"
	"k8s.io/kubernetes/test/images/agnhost/net"
	"k8s.io/kubernetes/test/images/agnhost/netexec"
	"k8s.io/kubernetes/test/images/agnhost/pause"
	portforwardtester "k8s.io/kubernetes/test/images/agnhost/port-forward-tester"
	"k8s.io/kubernetes/test/images/agnhost/porter"
	servehostname "k8s.io/kubernetes/test/images/agnhost/serve-hostname"
	testwebserver "k8s.io/kubernetes/test/images/agnhost/test-webserver"
)

func main() {
	root := &cobra.Command{Use: "agnhost", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(
		connect.CmdConnect, dns.CmdDNSServerList, dns.CmdDNSSuffix, dns.CmdEtcHosts,
		entrypoint.CmdEntrypointTester, fakegitserver.CmdFakeGitServer,
		fakeregistryserver.CmdFakeRegistryServer, grpchealthchecking.CmdGrpcHealthChecking,
		guestbook.CmdGuestbook, liveness.CmdLiveness, logsgenerator.CmdLogsGenerator,
		mountTester, net.CmdNet, netTester, netexec.CmdNetexec, pause.CmdPause,
		portforwardtester.CmdPortForwardTester, porter.CmdPorter, servehostname.CmdServeHostname,
		testwebserver.CmdTestWebserver,
	)
	if err := root.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "agnhost:", err)
		os.Exit(1)
	}
}

// mountTester has flags of its own, which are not of the usual kind.
var mountTester = &cobra.Command{
	Use:                "mounttest",
	DisableFlagParsing: true,
	Run:                func(_ *cobra.Command, args []string) { os.Exit(testMounts(args)) },
}
