import { type Listener, LOOPBACK } from './address.js'

/**
 * The server's settings as the text of `fetchyard.conf`, which `postgresql.conf` includes last.
 *
 * Durability stays on: the queue promises that what was settled is settled. Dynamic shared memory
 * lives in files, because /dev/shm is small in containers and is emptied by logind when the last
 * session of an ordinary user ends.
 */
export function settingsText(listener: Listener): string {
  const socket = listener.kind === 'socket' ? `"${listener.directory}"` : ''
  const settings: Readonly<Record<string, string | number>> = {
    listen_addresses: listener.kind === 'loopback' ? LOOPBACK : '',
    unix_socket_directories: socket,
    unix_socket_permissions: '0700',
    port: listener.port,
    cluster_name: 'fetchyard',
    max_connections: 50,
    shared_buffers: '128MB',
    dynamic_shared_memory_type: process.platform === 'win32' ? 'windows' : 'mmap',
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    max_wal_size: '1GB',
    log_checkpoints: 'off',
    log_line_prefix: '%m [%p] ',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quote(value)}`)
  return `# Written at every start; changes here are lost.\n${lines.join('\n')}\n`
}

function quote(value: string | number): string {
  return `'${String(value).replaceAll("'", "''")}'`
}
