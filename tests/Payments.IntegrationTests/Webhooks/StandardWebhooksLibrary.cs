using System.Diagnostics;
using System.Text.Json;
using Xunit;

namespace Payments.IntegrationTests.Webhooks;

/// <summary>npm's <c>standardwebhooks</c>, unmodified, in a Node process.</summary>
internal static class StandardWebhooksLibrary
{
    private static readonly SemaphoreSlim Installing = new(1);

    /// <summary>The event where the library accepts the webhook, undefined where it refuses it.</summary>
    public static async Task<JsonElement> VerifyAsync(Received received, string secret, CancellationToken cancellationToken)
    {
        var folder = Path.Combine(RepositoryRoot(), "tests", "webhook-receiver");
        await Installing.WaitAsync(cancellationToken);
        try
        {
            if (!Directory.Exists(Path.Combine(folder, "node_modules", "standardwebhooks")))
            {
                await RunAsync(folder, "npm", ["ci", "--no-audit", "--no-fund"], "", cancellationToken);
            }
        }
        finally
        {
            Installing.Release();
        }

        var answer = await RunAsync(folder, "node", ["verify.mjs"], JsonSerializer.Serialize(new { secret, headers = received.Headers, body = received.Body }), cancellationToken);
        return JsonSerializer.Deserialize<JsonElement>(answer).TryGetProperty("verified", out var verified) ? verified : default;
    }

    private static async Task<string> RunAsync(string folder, string program, IReadOnlyList<string> arguments, string input, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.StandardInput.WriteAsync(input.AsMemory(), cancellationToken);
        process.StandardInput.Close();
        await process.WaitForExitAsync(cancellationToken);
        Assert.True(process.ExitCode == 0, $"{program} failed: {await errors}");
        return await output;
    }

    private static string RepositoryRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Payments.sln")))
        {
            directory = directory.Parent ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }

        return directory.FullName;
    }
}
