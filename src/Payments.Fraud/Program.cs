using Payments.Fraud;
using Payments.Fraud.Commands;
using Payments.Fraud.Training;
using Payments.ServiceDefaults;

if (FraudCommands.Handles(args))
{
    return FraudCommands.RunOnConsole(args, new HistogramTrainer());
}

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("fraud");
builder.AddFraud();

var app = builder.Build();
app.MapServiceDefaults();
app.MapFraud();
return await app.RunServiceAsync(args);
