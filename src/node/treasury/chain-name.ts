const names: Readonly<Record<string, string>> = {
  '1': 'Ethereum',
  '10': 'OP Mainnet',
  '137': 'Polygon',
  '8453': 'Base',
  '42161': 'Arbitrum One',
  '31337': 'development chain',
  '80002': 'Polygon Amoy',
  '84532': 'Base Sepolia',
  '421614': 'Arbitrum Sepolia',
  '11155111': 'Sepolia',
  '11155420': 'OP Sepolia',
}

/** What people call a chain. */
export function chainName(id: bigint): string {
  return names[String(id)] ?? `chain ${id}`
}
