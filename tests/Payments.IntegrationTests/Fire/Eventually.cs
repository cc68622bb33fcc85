using Xunit;

namespace Payments.IntegrationTests.Fire;

/// <summary>Waiting for what is only a matter of time; the limit tells "never" from "later" and is no measure of speed.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    /// <param name="look">Null once it is so; otherwise what is still in the way.</param>
    public static async Task BecomesTrueAsync(string what, Func<Task<string?>> look, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (await look() is { } obstacle)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < Limit, $"{what}: {obstacle}");
            await Task.Delay(100, cancellationToken);
        }
    }
}
