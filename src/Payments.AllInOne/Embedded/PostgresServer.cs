using System.Globalization;
using System.Net.Sockets;
using Npgsql;

namespace Payments.AllInOne.Embedded;

/// <summary>How an embedded PostgreSQL is run.</summary>
public sealed record PostgresServerOptions
{
    /// <summary>Holds the data in <c>postgres/</c> and the log in <c>postgres.log</c>.</summary>
    public required string Directory { get; init; }

    /// <summary>0 chooses a free one.</summary>
    public int Port { get; init; }

    /// <summary>Given to the server when its data directory is made; must stay the same afterwards.</summary>
    public required string Password { get; init; }

    /// <summary>Server settings beyond our own.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
}

/// <summary>
/// A PostgreSQL of our own: data directory made on first start, durable commits, reachable by password on 127.0.0.1 only. A
/// server that an earlier run left running on the same data is stopped gracefully first.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string User = "payments";

    // The processes of a server that was killed end a moment after it; until then they hold its memory, and none can start in its place.
    private const string HeldByTheDying = "pre-existing shared memory block";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly PostgresInstallation installation = PostgresInstallation.Find();
    private readonly PostgresServerOptions options;
    private readonly string data;
    private ServerProcess? process;

    private PostgresServer(PostgresServerOptions options, int port)
    {
        this.options = options;
        Port = port;
        data = Path.Combine(Path.GetFullPath(options.Directory), "postgres");
    }

    public int Port { get; }

    /// <summary>The server's process, or null while it is stopped.</summary>
    public int? ProcessId => process?.Id;

    private string LogFile => Path.Combine(Path.GetFullPath(options.Directory), "postgres.log");

    /// <summary>A server whose address is known and that is not started yet.</summary>
    public static PostgresServer Choose(PostgresServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new PostgresServer(options, options.Port == 0 ? FreePort.Next() : options.Port);
    }

    public static async Task<PostgresServer> StartAsync(PostgresServerOptions options, CancellationToken cancellationToken)
    {
        var server = Choose(options);
        await server.StartAsync(cancellationToken);
        return server;
    }

    /// <summary>The connection string of one database.</summary>
    public string ConnectionString(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = Port,
        Username = User,
        Password = options.Password,
        Database = database,
    }.ConnectionString;

    /// <summary>Makes the database unless it exists, and returns its connection string.</summary>
    public async Task<string> CreateDatabaseAsync(string name, CancellationToken cancellationToken)
    {
        await using var connection = await OpenMaintenanceAsync(cancellationToken);
        await using var create = new NpgsqlCommand($"CREATE DATABASE \"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"", connection);
        try
        {
            await create.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DuplicateDatabase)
        {
            // Made by an earlier run.
        }

        return ConnectionString(name);
    }

    /// <summary>Stops a server that a run which was killed left running on the data in <paramref name="directory"/>, if there is one.</summary>
    public static Task StopLeftBehindAsync(string directory, CancellationToken cancellationToken)
    {
        var data = Path.Combine(Path.GetFullPath(directory), "postgres");
        return ServerProcess.StopStaleAsync(Path.Combine(data, "postmaster.pid"), pid => IsServerOf(data, pid), Posix.SigInt, Patience, cancellationToken);
    }

    /// <summary>Starts the server again at the same address after it was stopped or killed.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await InitializeAsync(cancellationToken);
        await StopLeftBehindAsync(options.Directory, cancellationToken);
        if (!FreePort.IsFree(Port))
        {
            throw new InvalidOperationException($"Port {Port}, wanted for PostgreSQL, is in use.");
        }

        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            process = ServerProcess.Start(installation.Command("postgres", data, ["-D", data, .. ServerSettings()]), LogFile, "/");
            try
            {
                await process.WaitUntilReadyAsync("PostgreSQL", AnswersAsync, Patience, cancellationToken);
                return;
            }
            catch (InvalidOperationException e) when (process.HasExited && e.Message.Contains(HeldByTheDying, StringComparison.Ordinal) && TimeProvider.System.GetElapsedTime(began) < Patience)
            {
                process.Dispose();
                await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
            }
            catch (Exception)
            {
                await StopAsync();
                throw;
            }
        }
    }

    /// <summary>It was started and has ended by itself, as it does when its disk is full.</summary>
    public bool HasExited => process is { HasExited: true };

    /// <summary>Disconnects everyone, checkpoints and stops.</summary>
    public Task StopAsync() => EndAsync(Posix.SigInt);

    /// <summary>As <c>pg_ctl -m immediate</c>: without a checkpoint, so that the next start recovers from the log.</summary>
    public Task StopImmediatelyAsync() => EndAsync(Posix.SigQuit);

    /// <summary>
    /// Makes a copy of the running server's data (a base backup) that a server in <paramref name="directory"/> begins with: as a
    /// standby or for a restore, by its settings and <paramref name="signal"/> (<c>standby.signal</c>, <c>recovery.signal</c> or none).
    /// </summary>
    public async Task BackupAsync(string directory, string? signal, CancellationToken cancellationToken)
    {
        var copy = Path.Combine(Path.GetFullPath(directory), "postgres");
        PrivatePath.CreateDirectory(copy);
        PostgresInstallation.GiveToServer(copy);
        var passwords = await PasswordFileAsync(directory, cancellationToken);
        string[] arguments = ["-d", ReplicationConnection(passwords), "-D", copy, "-X", "stream", "-c", "fast", "--no-password"];
        await ServerProcess.RunAsync(installation.Command("pg_basebackup", copy, arguments), LogFile, "/", cancellationToken);
        if (signal is not null)
        {
            var file = Path.Combine(copy, signal);
            await File.WriteAllTextAsync(file, string.Empty, cancellationToken);
            PostgresInstallation.GiveToServer(file);
        }
    }

    /// <summary>Starts a standby that follows this server under a name that <c>synchronous_standby_names</c> may list.</summary>
    public async Task<PostgresServer> StartStandbyAsync(string directory, string name, CancellationToken cancellationToken)
    {
        await BackupAsync(directory, "standby.signal", cancellationToken);
        var follow = $"{ReplicationConnection(await PasswordFileAsync(directory, cancellationToken))} application_name={name}";
        return await StartAsync(
            options with { Directory = directory, Port = 0, Settings = new Dictionary<string, string>(options.Settings) { ["primary_conninfo"] = follow } }, cancellationToken);
    }

    /// <summary>Kills the server and its backends without warning, as a machine that fails would.</summary>
    public async Task KillAsync()
    {
        if (process is { } running)
        {
            process = null;
            running.Signal(Posix.SigStop); // so that it neither starts nor warns another backend
            foreach (var backend in Posix.ChildrenOf(running.Id))
            {
                Posix.Signal(backend, Posix.SigKill);
            }

            await running.StopAsync(Posix.SigKill, Patience);
            running.Dispose();
        }
    }

    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await StopAsync();
        await StartAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task EndAsync(int signal)
    {
        if (process is { } running)
        {
            process = null;
            await running.StopAsync(signal, Patience);
            running.Dispose();
        }
    }

    private async Task InitializeAsync(CancellationToken cancellationToken)
    {
        if (File.Exists(Path.Combine(data, "PG_VERSION")))
        {
            return;
        }

        // Made beside and renamed when complete, so that an interrupted first start leaves nothing half made.
        var making = data + ".new";
        if (Directory.Exists(making))
        {
            Directory.Delete(making, recursive: true);
        }

        PrivatePath.CreateDirectory(making);
        PostgresInstallation.GiveToServer(making);
        var passwordFile = data + ".password";
        try
        {
            await PrivatePath.WriteAsync(passwordFile, options.Password + '\n', cancellationToken);
            PostgresInstallation.GiveToServer(passwordFile);
            string[] arguments = ["-D", making, "--username=" + User, "--auth=scram-sha-256", "--pwfile=" + passwordFile, "--encoding=UTF8", "--no-locale"];
            await ServerProcess.RunAsync(installation.Command("initdb", making, arguments), LogFile, "/", cancellationToken);
        }
        finally
        {
            File.Delete(passwordFile);
        }

        Directory.Move(making, data);
    }

    /// <summary>A file, because a password on a command line is everyone's to read.</summary>
    private async Task<string> PasswordFileAsync(string directory, CancellationToken cancellationToken)
    {
        var file = Path.Combine(Path.GetFullPath(directory), "postgres.passwords");
        await PrivatePath.WriteAsync(file, $"*:*:*:*:{options.Password.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal)}\n", cancellationToken);
        PostgresInstallation.GiveToServer(file);
        return file;
    }

    private string ReplicationConnection(string passwordFile) =>
        string.Create(CultureInfo.InvariantCulture, $"host=127.0.0.1 port={Port} user={User} passfile='{passwordFile.Replace("'", "\\'", StringComparison.Ordinal)}'");

    private IEnumerable<string> ServerSettings()
    {
        var settings = new Dictionary<string, string>
        {
            ["listen_addresses"] = "127.0.0.1",
            ["port"] = Port.ToString(CultureInfo.InvariantCulture),
            ["unix_socket_directories"] = string.Empty,
            ["fsync"] = "on",
            ["synchronous_commit"] = "on",
            ["max_connections"] = "400",
            ["shared_buffers"] = "1GB",
            ["checkpoint_timeout"] = "15min",
            ["max_wal_size"] = "4GB",
            ["wal_compression"] = "lz4",
            ["autovacuum_analyze_scale_factor"] = "0.5",
            ["default_statistics_target"] = "25",
            ["timezone"] = "UTC",
            ["log_timezone"] = "UTC",
        };
        foreach (var (name, value) in options.Settings)
        {
            settings[name] = value;
        }

        return settings.SelectMany(s => (string[])["-c", $"{s.Key}={s.Value}"]);
    }

    private static bool IsServerOf(string data, int pid) => Posix.CommandLineOf(pid).Split('\0') is [var program, .. var arguments]
        && Path.GetFileName(program) == "postgres" && arguments.Contains(data);

    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await OpenMaintenanceAsync(cancellationToken);
            return true;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.CannotConnectNow)
        {
            return false; // starting or recovering
        }
        catch (NpgsqlException e) when (e.InnerException is SocketException or IOException)
        {
            return false;
        }
    }

    private async Task<NpgsqlConnection> OpenMaintenanceAsync(CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString("postgres")) { Pooling = false }.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch (Exception)
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
