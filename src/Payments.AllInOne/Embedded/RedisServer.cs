using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Payments.AllInOne.Embedded;

/// <summary>How an embedded Redis is run.</summary>
public sealed record RedisServerOptions
{
    /// <summary>Holds the data in <c>redis/</c> and the log in <c>redis.log</c>.</summary>
    public required string Directory { get; init; }

    /// <summary>0 chooses a free one.</summary>
    public int Port { get; init; }

    public required string Password { get; init; }
}

/// <summary>A Redis of our own on 127.0.0.1, append-only on disk, that can be stopped, hung and flushed.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly RedisServerOptions options;
    private readonly string data;
    private ServerProcess? process;

    private RedisServer(RedisServerOptions options, int port)
    {
        this.options = options;
        Port = port;
        data = Path.Combine(Path.GetFullPath(options.Directory), "redis");
    }

    public int Port { get; }

    /// <summary>The server's process, or null while it is stopped.</summary>
    public int? ProcessId => process?.Id;

    /// <summary>In the form of StackExchange.Redis. Connecting never fails for good: the product runs without Redis too.</summary>
    public string ConnectionString => $"127.0.0.1:{Port},password={options.Password},abortConnect=false";

    /// <summary>A server whose address is known and that is not started yet.</summary>
    public static RedisServer Choose(RedisServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new RedisServer(options, options.Port == 0 ? FreePort.Next() : options.Port);
    }

    public static async Task<RedisServer> StartAsync(RedisServerOptions options, CancellationToken cancellationToken)
    {
        var server = Choose(options);
        await server.StartAsync(cancellationToken);
        return server;
    }

    /// <summary>Stops a server that a run which was killed left running on the data in <paramref name="directory"/>, if there is one.</summary>
    public static Task StopLeftBehindAsync(string directory, CancellationToken cancellationToken)
    {
        var data = Path.Combine(Path.GetFullPath(directory), "redis");
        return ServerProcess.StopStaleAsync(Path.Combine(data, "redis.pid"), pid => IsServerOf(data, pid), Posix.SigTerm, Patience, cancellationToken);
    }

    /// <summary>Starts the server again at the same address after it was stopped or killed.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        PrivatePath.CreateDirectory(data);
        await StopLeftBehindAsync(options.Directory, cancellationToken);
        if (!FreePort.IsFree(Port))
        {
            throw new InvalidOperationException($"Port {Port}, wanted for Redis, is in use.");
        }

        await WriteConfigurationAsync(cancellationToken);
        process = ServerProcess.Start(["redis-server", "redis.conf"], Path.Combine(Path.GetFullPath(options.Directory), "redis.log"), data);
        try
        {
            await process.WaitUntilReadyAsync("Redis", AnswersAsync, Patience, cancellationToken);
        }
        catch (Exception)
        {
            await StopAsync();
            throw;
        }
    }

    public Task StopAsync() => EndAsync(Posix.SigTerm);

    public Task KillAsync() => EndAsync(Posix.SigKill);

    /// <summary>Hangs the server: it keeps its connections and answers nothing.</summary>
    public void Pause() => process?.Signal(Posix.SigStop);

    public void Resume() => process?.Signal(Posix.SigCont);

    /// <summary>Forgets every key.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        var answer = await AskAsync("FLUSHALL", cancellationToken);
        if (answer != "+OK")
        {
            throw new InvalidOperationException($"Redis answered FLUSHALL with {answer}.");
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task EndAsync(int signal)
    {
        if (process is { } running)
        {
            process = null;
            running.Signal(Posix.SigCont);
            await running.StopAsync(signal, Patience);
            running.Dispose();
        }
    }

    private async Task WriteConfigurationAsync(CancellationToken cancellationToken)
    {
        // A file, because a password on a command line is everyone's to read.
        var configuration = string.Create(CultureInfo.InvariantCulture, $"""
            bind 127.0.0.1
            port {Port}
            requirepass {options.Password}
            dir ./
            pidfile redis.pid
            daemonize no
            appendonly yes
            appendfsync everysec
            no-appendfsync-on-rewrite yes
            auto-aof-rewrite-min-size 256mb
            save ""

            """);
        await PrivatePath.WriteAsync(Path.Combine(data, "redis.conf"), configuration, cancellationToken);
    }

    /// <summary>Redis rewrites its command line, so it is known by its configuration, which carries our port and password.</summary>
    private static bool IsServerOf(string data, int pid)
    {
        if (!Posix.CommandLineOf(pid).StartsWith("redis-server", StringComparison.Ordinal))
        {
            return false;
        }

        try
        {
            return File.ReadAllText($"/proc/{pid}/cwd/redis.conf") == File.ReadAllText(Path.Combine(data, "redis.conf"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // gone meanwhile, or someone else's
        }
    }

    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await AskAsync("PING", cancellationToken) == "+PONG";
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }

    private async Task<string?> AskAsync(string command, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Port, cancellationToken);
        await using var stream = client.GetStream();
        using var reader = new StreamReader(stream, Encoding.ASCII);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"AUTH {options.Password}\r\n{command}\r\n"), cancellationToken);
        await reader.ReadLineAsync(cancellationToken);
        return await reader.ReadLineAsync(cancellationToken);
    }
}
