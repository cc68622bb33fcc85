using System.Diagnostics;
using Payments.Platform;

namespace Payments.IntegrationTests.Ledger;

internal sealed class BrokenOffException : Exception;

/// <summary>Breaks this test's work off where it first comes to the step; that of other tests goes on.</summary>
internal sealed class Breaker : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    private static readonly AsyncLocal<string?> Step = new();
    private readonly List<IDisposable> subscriptions = [];

    public Breaker(string step)
    {
        Step.Value = step;
        subscriptions.Add(DiagnosticListener.AllListeners.Subscribe(this));
    }

    public void OnNext(DiagnosticListener value)
    {
        if (value.Name == Steps.ListenerName)
        {
            subscriptions.Add(value.Subscribe(this));
        }
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value.Key == Step.Value)
        {
            throw new BrokenOffException();
        }
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    public void Dispose()
    {
        Step.Value = null;
        subscriptions.ForEach(s => s.Dispose());
    }
}
