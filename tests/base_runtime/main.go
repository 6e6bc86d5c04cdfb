// A program that does nothing, in the format of each system: what stands in for the base runtime where only
// the making of a binary is looked at.
package main

func main() {}
