using Payments.Core;
using Payments.Fraud.Features;

namespace Payments.Fraud.Live;

/// <summary>
/// The state of features in this process, a state per mode: fed by the attempts that are scored here, and by what the database tells of
/// those that other replicas scored, of answers and of labels. Thread-safe; a payment is described and counted in one step.
/// </summary>
internal sealed class LiveFeatures(ModelOptions options)
{
    private readonly OfMode test = new(options.MostParties);
    private readonly OfMode live = new(options.MostParties);

    /// <summary>Whether the stored payments have been read; before, features would be those of a newborn state.</summary>
    public bool Ready { get; set; }

    public int PartyCount => test.PartyCount + live.PartyCount;

    public PaymentTrace Attempt(Mode mode, Guid payment, in PaymentFact fact, Span<float> row) => Of(mode).Attempt(payment, fact, row);

    /// <summary>Applies what was not yet applied.</summary>
    public void Apply(Mode mode, IEnumerable<Occurrence> occurrences) => Of(mode).Apply(occurrences);

    /// <summary>Forgets which occurrences were seen before; they will not be told again.</summary>
    public void ForgetSeen(Mode mode, long before) => Of(mode).ForgetSeen(before);

    private OfMode Of(Mode mode) => mode == Mode.Live ? live : test;

    private sealed class OfMode
    {
        private readonly Lock turn = new();
        private readonly FeatureState state;
        private readonly History history;
        private readonly HashSet<(Guid, OccurrenceKind, PaymentAnswer, bool)> seen = [];
        private readonly Queue<(long At, (Guid, OccurrenceKind, PaymentAnswer, bool) Key)> order = new();

        public OfMode(int mostParties)
        {
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

        public void Apply(IEnumerable<Occurrence> occurrences)
        {
            // In small turns: scoring waits for none of them for long.
            foreach (var part in occurrences.Chunk(256))
            {
                lock (turn)
                {
                    foreach (var occurrence in part)
                    {
                        if (See(occurrence))
                        {
                            history.Apply(occurrence);
                        }
                    }
                }
            }
        }

        public void ForgetSeen(long before)
        {
            lock (turn)
            {
                while (order.TryPeek(out var oldest) && oldest.At < before)
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

            order.Enqueue((Math.Max(history.Now, occurrence.At), key));
            return true;
        }
    }
}
