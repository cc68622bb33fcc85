namespace Payments.Simulation.World;

/// <summary>What goes wrong with a call to a provider.</summary>
internal enum CallFault
{
    /// <summary>It never arrives, and nobody answers.</summary>
    TimeoutBefore,

    /// <summary>It is done, and the answer is lost.</summary>
    TimeoutAfter,

    /// <summary>It arrives and is done after the caller gave up.</summary>
    DoneLate,

    /// <summary>Done, and answered with an error that is stored under the key.</summary>
    ErrorAfter,

    /// <summary>Not done, and answered with an error that is stored under the key.</summary>
    ErrorBefore,

    /// <summary>Turned away before anything: certainly not done.</summary>
    TurnedAway,
}

/// <summary>What goes wrong with a commit.</summary>
internal enum CommitFault
{
    /// <summary>Done, and the connection breaks before the answer.</summary>
    AnswerLost,

    /// <summary>Not done; the connection breaks.</summary>
    Broken,

    /// <summary>Not done, and the database stays away for longer than anybody waits.</summary>
    Away,
}

/// <summary>What goes wrong with a provider's notice.</summary>
internal enum NoticeFault
{
    /// <summary>The provider gives up on it; where nothing else could tell, its report does a day later.</summary>
    Lost,
    Twice,

    /// <summary>After everything that happens within the next minutes.</summary>
    Late,

    /// <summary>After hours.</summary>
    VeryLate,
}

/// <summary>Faults that wait for their occasion.</summary>
internal sealed class Faults
{
    public const string UnansweredReading = "unanswered reading";
    public const string LostMessage = "lost message";

    public Queue<CallFault> Calls { get; } = new();

    public Queue<CommitFault> Commits { get; } = new();

    public Queue<NoticeFault> Notices { get; } = new();

    /// <summary>What has really gone wrong: a fault that no occasion came for is none.</summary>
    public HashSet<string> Struck { get; } = [];

    /// <summary>The next fault of a queue, if one waits there; it strikes now.</summary>
    public bool Strikes<TFault>(Queue<TFault> waiting, out TFault fault)
        where TFault : struct, Enum
    {
        if (!waiting.TryDequeue(out fault))
        {
            return false;
        }

        Struck.Add(NameOf(fault));
        return true;
    }

    public bool StrikesReading()
    {
        if (UnansweredReadings == 0)
        {
            return false;
        }

        UnansweredReadings--;
        Struck.Add(UnansweredReading);
        return true;
    }

    public bool StrikesMessage()
    {
        if (LostMessages == 0)
        {
            return false;
        }

        LostMessages--;
        Struck.Add(LostMessage);
        return true;
    }

    /// <summary>As <see cref="Struck"/> names it.</summary>
    public static string NameOf<TFault>(TFault fault)
        where TFault : struct, Enum => $"{typeof(TFault).Name}.{fault}";

    /// <summary>Readings that the provider does not answer.</summary>
    public int UnansweredReadings { get; set; }

    /// <summary>Messages that the broker takes and loses.</summary>
    public int LostMessages { get; set; }

    public void End()
    {
        Calls.Clear();
        Commits.Clear();
        Notices.Clear();
        (UnansweredReadings, LostMessages) = (0, 0);
    }
}

/// <summary>The database did not answer in time.</summary>
internal sealed class DatabaseAwayException() : Exception("The database does not answer.");
