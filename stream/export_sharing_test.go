package stream

// ReserveShared is Reserve as it is where the system does not spread the connections of a port over
// several sockets.
func ReserveShared(network, address string) (*Port, error) {
	return reserve(network, address, false)
}
