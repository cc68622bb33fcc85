using System.Globalization;
using System.Threading.Channels;

namespace Payments.AllInOne;

/// <summary>
/// The log of all services of this process: one file, one entry after the other, written in the background. Where the disk is too slow for
/// it the newest entries are left out, and the file says how many.
/// </summary>
internal sealed class FileLog : IAsyncDisposable
{
    private readonly Channel<string> entries = Channel.CreateBounded<string>(new BoundedChannelOptions(20_000) { SingleReader = true });
    private int leftOut;
    private readonly Task writing;

    public FileLog(string file)
    {
        Path = file;
        writing = WriteAsync(new StreamWriter(file, append: true));
    }

    public string Path { get; }

    /// <summary>What a service adds to its logging; entries carry the service's name.</summary>
    public ILoggerProvider ProviderOf(string service) => new Provider(this, service);

    public async ValueTask DisposeAsync()
    {
        entries.Writer.TryComplete();
        await writing;
    }

    private async Task WriteAsync(StreamWriter file)
    {
        await using (file)
        {
            await foreach (var entry in entries.Reader.ReadAllAsync())
            {
                await file.WriteLineAsync(entry);
                if (Interlocked.Exchange(ref leftOut, 0) is var missing and > 0)
                {
                    await file.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{Now()} warning     log: {missing} entries about here are left out: the file takes them too slowly"));
                }

                if (!entries.Reader.TryPeek(out _))
                {
                    await file.FlushAsync();
                }
            }
        }
    }

    private void Add(string entry)
    {
        if (!entries.Writer.TryWrite(entry))
        {
            Interlocked.Increment(ref leftOut);
        }
    }

    private static string Now() => TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    private sealed class Provider(FileLog log, string service) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => new Logger(log, service, categoryName);

        public void Dispose()
        {
        }
    }

    private sealed class Logger(FileLog log, string service, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var trace = System.Diagnostics.Activity.Current?.TraceId.ToHexString();
            log.Add(string.Create(CultureInfo.InvariantCulture,
                $"{Now()} {logLevel.ToString().ToLowerInvariant(),-11} {service} {category}[{eventId.Id}] {trace} {formatter(state, exception)}{(exception is null ? "" : Environment.NewLine + exception)}"));
        }
    }
}
