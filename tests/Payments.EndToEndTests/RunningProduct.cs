using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Payments.EndToEndTests;

/// <summary>A product started by <c>run.sh</c>, seen from outside. All processes that descend from it carry a mark.</summary>
public sealed class RunningProduct : IAsyncDisposable
{
    private const string Mark = "PAYMENTS_TEST_RUN";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(12);
    private static int runs;
    private readonly string mark = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{Interlocked.Increment(ref runs)}");
    private readonly StringBuilder output = new();
    private readonly TaskCompletionSource<bool> ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Process process;

    private RunningProduct(Checkout checkout, string data, IEnumerable<string> options)
    {
        Data = data;
        var start = new ProcessStartInfo(Path.Combine(checkout.Root, "run.sh"), options) { WorkingDirectory = Path.GetTempPath(), RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment[Mark] = mark;
        process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) => Take(line.Data, isOutput: true);
        process.ErrorDataReceived += (_, line) => Take(line.Data, isOutput: false);
        process.Exited += (_, _) => ready.TrySetResult(false);
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Data { get; }

    public int Port { get; private init; }

    public string? LastLine { get; private set; }

    public int ExitCode => process.ExitCode;

    public string Output
    {
        get
        {
            lock (output)
            {
                return output.ToString();
            }
        }
    }

    /// <summary>The content of <c>run.json</c>.</summary>
    public JsonElement Run => JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(Path.Combine(Data, "run.json")));

    /// <summary>Starts and waits for READY, or for the end where it does not become ready.</summary>
    public static async Task<RunningProduct> StartAsync(Checkout checkout, string data, CancellationToken cancellationToken, params string[] options)
    {
        ArgumentNullException.ThrowIfNull(checkout);
        var port = FreePorts();
        var product = new RunningProduct(checkout, data, ["--data", data, "--port", port.ToString(CultureInfo.InvariantCulture), .. options]) { Port = port };
        try
        {
            await product.ready.Task.WaitAsync(Patience, cancellationToken);
            return product;
        }
        catch (Exception)
        {
            await product.DisposeAsync();
            throw;
        }
    }

    public void MustBeReady() => Assert.True(ready.Task is { IsCompletedSuccessfully: true, Result: true }, "run.sh did not become ready:\n" + Output);

    /// <summary>Ends the process that was started, as a service manager or Ctrl-C would, and waits for its end.</summary>
    public async Task StopAsync(int signal, CancellationToken cancellationToken)
    {
        Signal(process.Id, signal);
        await process.WaitForExitAsync(cancellationToken).WaitAsync(TimeSpan.FromMinutes(4), cancellationToken);
    }

    /// <summary>Kills every process of the tree at once; those whose command line has one of <paramref name="spared"/> live on.</summary>
    public async Task KillAsync(CancellationToken cancellationToken, params string[] spared)
    {
        foreach (var (pid, command) in Everything())
        {
            if (!spared.Any(s => command.Contains(s, StringComparison.Ordinal)))
            {
                Signal(pid, 9);
            }
        }

        await process.WaitForExitAsync(cancellationToken);
    }

    /// <summary>Processes that descend from this start and still live, with their command lines. Redis is none of them: its title overwrites the environment.</summary>
    public IReadOnlyList<(int Pid, string Command)> Descendants() => Processes(directory => File.ReadAllText($"{directory}/environ").Split('\0').Contains($"{Mark}={mark}"));

    /// <summary><see cref="Descendants"/>, and what works in the data directory, whoever started it.</summary>
    public IReadOnlyList<(int Pid, string Command)> Everything() => [.. Descendants().Union(Processes(directory =>
        new FileInfo($"{directory}/cwd").LinkTarget is { } at && (at == Data || at.StartsWith(Data + "/", StringComparison.Ordinal))))];

    private static List<(int Pid, string Command)> Processes(Func<string, bool> wanted)
    {
        var found = new List<(int, string)>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), out var pid))
            {
                continue;
            }

            try
            {
                var command = File.ReadAllText($"{directory}/cmdline").Replace('\0', ' ');
                if (command.Length > 0 && wanted(directory))
                {
                    found.Add((pid, command));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Gone meanwhile, or not ours.
            }
        }

        return found;
    }

    public HttpClient Client(string origin, string? key)
    {
        var client = new HttpClient { BaseAddress = new Uri(Run.GetProperty(origin).GetString()!) };
        client.DefaultRequestHeaders.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", Run.GetProperty(key).GetString());
        return client;
    }

    /// <summary>Sends a request that must succeed.</summary>
    public static async Task<JsonElement> SendAsync(HttpClient client, HttpMethod method, string path, object? body, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(client);
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        if (method == HttpMethod.Post)
        {
            request.Headers.Add("Idempotency-Key", "e2e-" + Path.GetRandomFileName());
        }

        using var answer = await client.SendAsync(request, cancellationToken);
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        Assert.True(answer.IsSuccessStatusCode, $"{method} {path} answered {(int)answer.StatusCode}: {text}");
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync(CancellationToken.None);
        process.Dispose();
    }

    public static void Signal(int pid, int signal)
    {
        using var kill = Process.Start(new ProcessStartInfo("kill", ["-" + signal.ToString(CultureInfo.InvariantCulture), pid.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardError = true })!;
        kill.WaitForExit(); // one that is gone already is no error
    }

    /// <summary>The first of a row of ports that are free now.</summary>
    private static int FreePorts()
    {
        const int row = 16;
        for (var first = 20_000 + Environment.ProcessId % 500 * 20; ; first += row)
        {
            if (Enumerable.Range(first, row).All(IsFree))
            {
                return first;
            }
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Take(string? line, bool isOutput)
    {
        if (line is null)
        {
            return;
        }

        lock (output)
        {
            output.AppendLine(line);
        }

        if (isOutput)
        {
            LastLine = line;
            if (line.StartsWith("READY", StringComparison.Ordinal))
            {
                ready.TrySetResult(true);
            }
        }
    }
}
