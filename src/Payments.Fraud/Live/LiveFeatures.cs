using Payments.Core;
using Payments.Fraud.Features;

namespace Payments.Fraud.Live;

/// <summary>
/// The state of features in this process, a state per mode: fed by the attempts that are scored here, and by what the database tells of
/// those that other replicas scored, of answers and of labels. Thread-safe; a payment is described and counted in one step.
/// </summary>
internal sealed class LiveFeatures(ModelOptions options, TimeProvider time)
{
    private readonly OfMode test = new(options.MostParties, time);
    private readonly OfMode live = new(options.MostParties, time);

    /// <summary>Whether the stored payments have been read; before, features would be those of a newborn state.</summary>
    public bool Ready { get; set; }

    public int PartyCount => test.PartyCount + live.PartyCount;

    /// <summary>The moment of the database's clock up to which this process knows what the database tells; null before <see cref="Ready"/>.</summary>
    public DateTimeOffset? Reached { get; set; }

    public PaymentTrace Attempt(Mode mode, Guid payment, in PaymentFact fact, Span<float> row) => Of(mode).Attempt(payment, fact, row);

    /// <summary>The features that a payment has now, which is not counted.</summary>
    public void Describe(Mode mode, in PaymentFact fact, Span<float> row) => Of(mode).Describe(fact, row);

    /// <summary>Applies what was not yet applied.</summary>
    /// <param name="rememberFrom">What is older will not be told again, and need not be remembered.</param>
    public void Apply(Mode mode, IEnumerable<Occurrence> occurrences, long rememberFrom = long.MinValue) => Of(mode).Apply(occurrences, rememberFrom);

    /// <summary>The payments of those answers that were not applied yet.</summary>
    public Guid[] Unknown(Mode mode, IEnumerable<(Guid Payment, PaymentAnswer Answer)> answers) => Of(mode).Unknown(answers);

    /// <summary>Forgets what was seen so long ago that nobody tells of it again.</summary>
    public void ForgetSeen(Mode mode, TimeSpan age) => Of(mode).ForgetSeen(age);

    private OfMode Of(Mode mode) => mode == Mode.Live ? live : test;

    private sealed class OfMode
    {
        private readonly Lock turn = new();
        private readonly TimeProvider time;
        private readonly FeatureState state;
        private readonly History history;
        private readonly HashSet<(Guid, OccurrenceKind, PaymentAnswer, bool)> seen = [];
        private readonly Queue<(long SeenAt, (Guid, OccurrenceKind, PaymentAnswer, bool) Key)> order = new();

        public OfMode(int mostParties, TimeProvider time)
        {
            this.time = time;
            state = new(mostParties);
            history = new(state);
        }

        public int PartyCount
        {
            get
            {
                lock (turn)
                {
                    return state.PartyCount;
                }
            }
        }

        public PaymentTrace Attempt(Guid payment, in PaymentFact fact, Span<float> row)
        {
            lock (turn)
            {
                var described = history.Describe(fact, row);
                var occurrence = new Occurrence(described.At, OccurrenceKind.Attempted, payment, new(described, Ordinary: false));

                // A second question about one payment is answered alike, and counts once.
                return See(occurrence) ? history.Apply(occurrence) : occurrence.Trace;
            }
        }

        public void Describe(in PaymentFact fact, Span<float> row)
        {
            lock (turn)
            {
                history.Describe(fact, row);
            }
        }

        public void Apply(IEnumerable<Occurrence> occurrences, long rememberFrom)
        {
            // In small turns: scoring waits for none of them for long.
            foreach (var part in occurrences.Chunk(256))
            {
                lock (turn)
                {
                    foreach (var occurrence in part)
                    {
                        if (occurrence.At < rememberFrom || See(occurrence))
                        {
                            history.Apply(occurrence);
                        }
                    }
                }
            }
        }

        public Guid[] Unknown(IEnumerable<(Guid Payment, PaymentAnswer Answer)> answers)
        {
            lock (turn)
            {
                return [.. answers.Where(a => !seen.Contains((a.Payment, OccurrenceKind.Answered, a.Answer, false))).Select(a => a.Payment).Distinct()];
            }
        }

        public void ForgetSeen(TimeSpan age)
        {
            lock (turn)
            {
                while (order.TryPeek(out var oldest) && time.GetElapsedTime(oldest.SeenAt) > age)
                {
                    seen.Remove(order.Dequeue().Key);
                }
            }
        }

        private bool See(in Occurrence occurrence)
        {
            var key = (occurrence.Payment, occurrence.Kind, occurrence.Answer, occurrence.Fraud);
            if (!seen.Add(key))
            {
                return false;
            }

            order.Enqueue((time.GetTimestamp(), key));
            return true;
        }
    }
}
