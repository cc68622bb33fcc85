using System.Globalization;
using System.Threading.Channels;

namespace Payments.AllInOne;

/// <summary>The log of all services of this process: one file, one entry after the other, written in the background.</summary>
internal sealed class FileLog : IAsyncDisposable
{
    private readonly Channel<string> entries = Channel.CreateUnbounded<string>(new UnboundedChannelOptions { SingleReader = true });
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
                if (!entries.Reader.TryPeek(out _))
                {
                    await file.FlushAsync();
                }
            }
        }
    }

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
            var time = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
            var trace = System.Diagnostics.Activity.Current?.TraceId.ToHexString();
            log.entries.Writer.TryWrite(string.Create(CultureInfo.InvariantCulture,
                $"{time} {logLevel.ToString().ToLowerInvariant(),-11} {service} {category}[{eventId.Id}] {trace} {formatter(state, exception)}{(exception is null ? "" : Environment.NewLine + exception)}"));
        }
    }
}
