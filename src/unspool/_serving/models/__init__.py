"""The models of a server: found in folders, loaded when they are asked for, and read with."""
