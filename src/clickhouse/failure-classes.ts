/** Why a run failed, and how to recognise it. */
export interface FailureClass {
  readonly code: string
  readonly transient: boolean
  /** ClickHouse's exceptions: their numbers and names, as in its ErrorCodes. */
  readonly exceptions?: Readonly<Record<number, string>>
  /** The codes of sockets and of TLS. */
  readonly socket?: RegExp
  /** The messages that identify it, whatever the error's code. */
  readonly text?: RegExp
  /** The HTTP statuses of an intermediary, such as a proxy or gateway. */
  readonly statuses?: readonly number[]
  readonly message: string
}

/** The failures that ClickHouse, the network and intermediaries report. The first that fits is used. */
export const failureClasses: readonly FailureClass[] = [
  {
    code: 'authentication',
    transient: false,
    exceptions: {
      192: 'UNKNOWN_USER',
      193: 'WRONG_PASSWORD',
      194: 'REQUIRED_PASSWORD',
      195: 'IP_ADDRESS_NOT_ALLOWED',
      516: 'AUTHENTICATION_FAILED',
      720: 'USER_EXPIRED',
      767: 'REQUIRED_SECOND_FACTOR',
    },
    // A header cannot hold every character: a token or a password with a line break is not even sent.
    socket: /^ERR_INVALID_CHAR$/,
    message: 'ClickHouse refuses the user or the password. Check the credentials of the connection.',
  },
  {
    code: 'access-denied',
    transient: false,
    exceptions: {
      291: 'DATABASE_ACCESS_DENIED',
      497: 'ACCESS_DENIED',
    },
    message: 'The ClickHouse user may not read the exposures. Grant it SELECT on the table.',
  },
  {
    code: 'unknown-database',
    transient: false,
    exceptions: {
      81: 'UNKNOWN_DATABASE',
    },
    message: 'ClickHouse does not know the database. Check the source and the connection.',
  },
  {
    code: 'unknown-table',
    transient: false,
    exceptions: {
      60: 'UNKNOWN_TABLE',
      218: 'TABLE_IS_DROPPED',
    },
    message: 'ClickHouse does not know the table. Check the source.',
  },
  {
    code: 'unknown-column',
    transient: false,
    exceptions: {
      8: 'THERE_IS_NO_COLUMN',
      10: 'NOT_FOUND_COLUMN_IN_BLOCK',
      16: 'NO_SUCH_COLUMN_IN_TABLE',
      47: 'UNKNOWN_IDENTIFIER',
    },
    message: 'The table lacks a column that the source names. Check the source’s columns.',
  },
  {
    code: 'invalid-query',
    transient: false,
    exceptions: {
      36: 'BAD_ARGUMENTS',
      42: 'NUMBER_OF_ARGUMENTS_DOESNT_MATCH',
      43: 'ILLEGAL_TYPE_OF_ARGUMENT',
      44: 'ILLEGAL_COLUMN',
      46: 'UNKNOWN_FUNCTION',
      48: 'NOT_IMPLEMENTED',
      50: 'UNKNOWN_TYPE',
      53: 'TYPE_MISMATCH',
      62: 'SYNTAX_ERROR',
      63: 'UNKNOWN_AGGREGATE_FUNCTION',
      70: 'CANNOT_CONVERT_TYPE',
      115: 'UNKNOWN_SETTING',
      184: 'ILLEGAL_AGGREGATION',
      215: 'NOT_AN_AGGREGATE',
      386: 'NO_COMMON_TYPE',
      456: 'UNKNOWN_QUERY_PARAMETER',
      457: 'BAD_QUERY_PARAMETER',
    },
    message: 'ClickHouse cannot run the query on this table. Check the source’s columns and their types.',
  },
  {
    code: 'query-too-large',
    transient: false,
    exceptions: {
      167: 'TOO_DEEP_AST',
      168: 'TOO_BIG_AST',
      229: 'QUERY_IS_TOO_LARGE',
    },
    statuses: [413, 414, 431],
    // Poco's exception has the number 1000, like many of its others.
    text: /HTML Form Exception: Field value too long|HTTP request URI invalid or too long/,
    message:
      'The query is larger than ClickHouse, or what stands before it, takes. Shorten the lists of the filters, or keep ' +
      'them in a table.',
  },
  {
    code: 'query-cache',
    transient: false,
    exceptions: {
      704: 'QUERY_CACHE_USED_WITH_NONDETERMINISTIC_FUNCTIONS',
      719: 'QUERY_CACHE_USED_WITH_SYSTEM_TABLE',
      731: 'QUERY_CACHE_USED_WITH_NON_THROW_OVERFLOW_MODE',
    },
    message:
      'The server is set to keep every answer in its query cache, and refuses to keep this one. Leave out use_query_cache.',
  },
  {
    code: 'session-locked',
    transient: true,
    exceptions: {
      373: 'SESSION_IS_LOCKED',
    },
    message:
      'The client has a session_id, and ClickHouse runs one statement of a session at a time. Leave out the session_id, or ' +
      'let nothing else run in the session meanwhile.',
  },
  {
    code: 'session-refused',
    transient: false,
    exceptions: {
      372: 'SESSION_NOT_FOUND',
      374: 'INVALID_SESSION_TIMEOUT',
      744: 'SESSION_ID_EMPTY',
      763: 'SESSION_REFUSED',
    },
    message: 'ClickHouse refuses the session of the connection. Leave out the session_id and its settings.',
  },
  {
    code: 'readonly',
    transient: false,
    exceptions: {
      164: 'READONLY',
      452: 'SETTING_CONSTRAINT_VIOLATION',
      472: 'READONLY_SETTING',
    },
    message: 'The ClickHouse user may not change a setting that is sent. Leave out the settings.',
  },
  {
    code: 'read-limit',
    transient: false,
    exceptions: {
      158: 'TOO_MANY_ROWS',
      307: 'TOO_MANY_BYTES',
      396: 'TOO_MANY_ROWS_OR_BYTES',
      565: 'TOO_MANY_PARTITIONS',
    },
    message: 'The query reads or returns more than the ClickHouse user is allowed to. Raise the limit.',
  },
  {
    code: 'memory-limit',
    transient: true,
    exceptions: {
      173: 'CANNOT_ALLOCATE_MEMORY',
      241: 'MEMORY_LIMIT_EXCEEDED',
      777: 'MEMORY_RESERVATION_KILLED',
      778: 'MEMORY_RESERVATION_FAILED',
    },
    // The number of every exception of C++'s library.
    text: /\bCode: 1001, type: std::bad_alloc\b/,
    message: 'The query needs more memory than ClickHouse allows.',
  },
  {
    code: 'time-limit',
    transient: true,
    exceptions: {
      159: 'TIMEOUT_EXCEEDED',
      160: 'TOO_SLOW',
    },
    message: 'The query took longer than ClickHouse allows.',
  },
  {
    code: 'too-many-queries',
    transient: true,
    exceptions: {
      202: 'TOO_MANY_SIMULTANEOUS_QUERIES',
      364: 'RECEIVED_ERROR_TOO_MANY_REQUESTS',
      384: 'PART_IS_TEMPORARILY_LOCKED',
      439: 'CANNOT_SCHEDULE_TASK',
      473: 'DEADLOCK_AVOIDED',
      700: 'USER_SESSION_LIMIT_EXCEEDED',
      733: 'TABLE_IS_BEING_RESTARTED',
      738: 'PART_IS_LOCKED',
      745: 'SERVER_OVERLOADED',
      749: 'TCP_CONNECTION_LIMIT_REACHED',
      762: 'HTTP_CONNECTION_LIMIT_REACHED',
      776: 'RESOURCE_LIMIT_EXCEEDED',
    },
    statuses: [429],
    text: /^(\[ ?Id: [^]*?\]: )?((rate )?limits? for (cluster )?user "[^"]*" (is|are) exceeded|Too Many Sessions)/,
    message: 'ClickHouse, or what stands before it, is busy with other queries.',
  },
  {
    code: 'quota',
    transient: true,
    exceptions: {
      201: 'QUOTA_EXCEEDED',
    },
    message: 'The quota of the ClickHouse user is used up for now.',
  },
  {
    code: 'network',
    transient: true,
    exceptions: {
      3: 'UNEXPECTED_END_OF_FILE',
      32: 'ATTEMPT_TO_READ_AFTER_EOF',
      33: 'CANNOT_READ_ALL_DATA',
      75: 'CANNOT_WRITE_TO_FILE_DESCRIPTOR',
      86: 'RECEIVED_ERROR_FROM_REMOTE_IO_SERVER',
      95: 'CANNOT_READ_FROM_SOCKET',
      96: 'CANNOT_WRITE_TO_SOCKET',
      100: 'UNKNOWN_PACKET_FROM_SERVER',
      102: 'UNEXPECTED_PACKET_FROM_SERVER',
      198: 'DNS_ERROR',
      203: 'NO_FREE_CONNECTION',
      209: 'SOCKET_TIMEOUT',
      210: 'NETWORK_ERROR',
      243: 'NOT_ENOUGH_SPACE',
      254: 'NO_ACTIVE_REPLICAS',
      255: 'TOO_MANY_RETRIES_TO_FETCH_PARTS',
      265: 'NO_AVAILABLE_REPLICA',
      279: 'ALL_CONNECTION_TRIES_FAILED',
      285: 'TOO_FEW_LIVE_REPLICAS',
      286: 'UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE',
      289: 'REPLICA_IS_NOT_IN_QUORUM',
      295: 'RECEIVED_EMPTY_DATA',
      297: 'SHARD_HAS_NO_CONNECTIONS',
      369: 'ALL_REPLICAS_ARE_STALE',
      410: 'EXTERNAL_SERVER_IS_NOT_RESPONDING',
      416: 'REPLICA_STATUS_CHANGED',
      425: 'SYSTEM_ERROR',
      499: 'S3_ERROR',
      500: 'AZURE_BLOB_STORAGE_ERROR',
      510: 'CACHE_DICTIONARY_UPDATE_FAIL',
      519: 'NO_REMOTE_SHARD_AVAILABLE',
      614: 'POSTGRESQL_CONNECTION_FAILURE',
      660: 'HDFS_ERROR',
      667: 'NOT_INITIALIZED',
      693: 'AWS_ERROR',
      707: 'GCP_ERROR',
      737: 'GOOGLE_CLOUD_ERROR',
      775: 'STATELESS_WORKER_DISCOVERY_ERROR',
      900: 'DISTRIBUTED_CACHE_ERROR',
      901: 'CANNOT_USE_DISTRIBUTED_CACHE',
      903: 'DISTRIBUTED_CACHE_REGISTRY_SHUTDOWN',
      904: 'TOO_MANY_UNAVAILABLE_SHARDS',
      1000: 'POCO_EXCEPTION',
      1009: 'S3_OBJECT_CHANGED_DURING_READ',
    },
    message: 'ClickHouse could not reach another server, or a disk, that it needs, or this was not ready.',
  },
  {
    code: 'keeper',
    transient: true,
    exceptions: {
      225: 'NO_ZOOKEEPER',
      242: 'TABLE_IS_READ_ONLY',
      244: 'UNEXPECTED_ZOOKEEPER_ERROR',
      529: 'NOT_A_LEADER',
      568: 'RAFT_ERROR',
      709: 'CANNOT_GET_REPLICATED_DATABASE_SNAPSHOT',
      999: 'KEEPER_EXCEPTION',
    },
    message: 'ClickHouse’s coordination service does not answer.',
  },
  {
    code: 'query-id-in-use',
    transient: true,
    exceptions: {
      216: 'QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING',
    },
    message: 'A query with the same id is already running. Give each run its own id.',
  },
  {
    code: 'cancelled',
    transient: true,
    exceptions: {
      236: 'ABORTED',
      341: 'UNFINISHED',
      394: 'QUERY_WAS_CANCELLED',
      677: 'THREAD_WAS_CANCELED',
      696: 'ASYNC_LOAD_CANCELED',
      722: 'ASYNC_LOAD_WAIT_FAILED',
      734: 'CANNOT_WRITE_AFTER_BUFFER_CANCELED',
      735: 'QUERY_WAS_CANCELLED_BY_CLIENT',
    },
    message: 'The query was ended on the server.',
  },
  {
    code: 'connection-refused',
    transient: true,
    socket: /^ECONNREFUSED$/,
    message: 'ClickHouse does not accept connections.',
  },
  {
    code: 'connection-reset',
    transient: true,
    socket: /^(ECONNRESET|ECONNABORTED|EPIPE|ERR_STREAM_PREMATURE_CLOSE|UND_ERR_SOCKET)$/,
    text: /^(socket hang up|aborted|terminated|premature close|other side closed|Client network socket disconnected before secure TLS connection was established)$/i,
    message: 'The connection to ClickHouse broke.',
  },
  {
    // The server tells the progress of a long query in headers, so the same query fails again.
    code: 'headers-too-large',
    transient: false,
    socket: /^(HPE_HEADER_OVERFLOW|UND_ERR_HEADERS_OVERFLOW)$/,
    message:
      'The headers of the answer are larger than the client takes, as those of the progress of a long query may be. Leave out ' +
      'send_progress_in_http_headers, or let the client take more.',
  },
  {
    code: 'connection-timeout',
    transient: true,
    socket: /^(ETIMEDOUT|ESOCKETTIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/,
    text: /^Timeout error\.$/,
    message: 'ClickHouse did not answer in time.',
  },
  {
    code: 'unreachable',
    transient: true,
    socket: /^E(HOST|NET)(UNREACH|DOWN)$/,
    message: 'There is no network route to ClickHouse.',
  },
  {
    code: 'dns-lookup',
    transient: true,
    socket: /^EAI_AGAIN$/,
    message: 'The name of the ClickHouse host could not be looked up.',
  },
  {
    code: 'unknown-host',
    transient: false,
    socket: /^ENOTFOUND$/,
    message: 'The host name of the connection does not exist.',
  },
  {
    code: 'tls',
    transient: false,
    socket:
      /^(CERT_|CRL_|ERROR_IN_C|ERR_TLS_|ERR_SSL_|SELF_SIGNED|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|HOSTNAME_MISMATCH$|INVALID_(CA|PURPOSE)$|PATH_LENGTH_EXCEEDED$|EPROTO$)/,
    message: 'The encrypted connection to ClickHouse is refused. Check its certificate and the address.',
  },
  {
    code: 'gateway-refused',
    transient: false,
    statuses: [401, 403, 407],
    text: /^(RBAC: access denied|Jwt |(\[ ?Id: [^]*?\]: )?(invalid username or password for user|user "[^"]*" is not allowed))/,
    message:
      'What stands between the host and ClickHouse refuses the request. Check its rules, and the credentials that it asks for.',
  },
  {
    code: 'not-clickhouse',
    transient: false,
    // The answer does not begin as HTTP: another port, or TLS where none is expected.
    socket: /^HPE_INVALID_CONSTANT$/,
    statuses: [404, 405],
    text: /^(There is no handle |Port \d+ is for clickhouse-client program|default backend - 404)/,
    message:
      'ClickHouse does not answer at this address. Check the URL of the connection: protocol, port and path.',
  },
  {
    code: 'gateway-timeout',
    transient: true,
    statuses: [408, 504, 522, 524],
    text: /^(upstream request timeout|stream timeout|(\[ ?Id: [^]*?\]: )?timeout for (cluster )?user "[^"]*" exceeded)/,
    message: 'What stands between the host and ClickHouse did not wait for the answer. Raise its time limit.',
  },
  {
    code: 'unavailable',
    transient: true,
    statuses: [500, 502, 503, 520, 521, 523, 530],
    text: /^(no healthy upstream|upstream connect error or disconnect\/reset before headers|(\[ ?Id: [^]*?\]: )?(cannot reach |unable to reach address))/,
    message: 'What stands between the host and ClickHouse does not reach it.',
  },
]
