namespace Payments.Chaos.Load;

/// <summary>
/// Errands at an even pace, whatever is on fire, with an upper limit of those under way. When told to end, it begins no more and sees
/// the others to their end within a limit.
/// </summary>
public sealed class Traffic(Client client, IReadOnlyList<Shop> shops, int seed, double perSecond, int mostUnderWay)
{
    private int numbers;

    public LoadCounts Counts { get; } = new();

    /// <param name="ending">No more errands are begun then.</param>
    /// <param name="over">Clients give up then.</param>
    public async Task RunAsync(CancellationToken ending, CancellationToken over)
    {
        var room = new SemaphoreSlim(mostUnderWay);
        var lives = new List<Task>();
        var began = TimeProvider.System.GetTimestamp();
        for (var number = 0; !ending.IsCancellationRequested; number++)
        {
            var wait = TimeSpan.FromSeconds(number / perSecond) - TimeProvider.System.GetElapsedTime(began);
            if (wait > TimeSpan.Zero)
            {
                await Client.PauseAsync((int)wait.TotalMilliseconds + 1, ending);
            }

            try
            {
                await room.WaitAsync(ending);
            }
            catch (OperationCanceledException)
            {
                break;
            }

            lives.RemoveAll(l => l.IsCompletedSuccessfully);
            lives.Add(LiveAsync(room, over));
        }

        await Task.WhenAll(lives);
    }

    private async Task LiveAsync(SemaphoreSlim room, CancellationToken over)
    {
        Counts.Begun();
        try
        {
            await new Life(new Errand(seed, Interlocked.Increment(ref numbers), shops), client, Counts, over).LiveAsync();
        }
        finally
        {
            Counts.Ended();
            room.Release();
        }
    }
}
