package gateway_test

import (
	"os"
	"testing"

	"github.com/keyhatch/keyhatch/internal/peers"
)

func TestMain(m *testing.M) { os.Exit(peers.Main(m)) }
