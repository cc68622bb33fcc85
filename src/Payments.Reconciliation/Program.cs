using Payments.Reconciliation;
using Payments.Reconciliation.Commands;
using Payments.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("reconciliation");
if (ReconCommand.Is(args))
{
    builder.Logging.ClearProviders();
    builder.AddReconciliationTools();
    await using var tools = builder.Build();
    return await ReconCommand.RunAsync(args, tools.Services, Console.Out, Console.Error, CancellationToken.None);
}

builder.AddReconciliation();
var app = builder.Build();
app.MapServiceDefaults();
app.MapReconciliation();
return await app.RunServiceAsync(args);
