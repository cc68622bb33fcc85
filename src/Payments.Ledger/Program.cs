using Payments.Ledger;
using Payments.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("ledger");
builder.AddLedger();

var app = builder.Build();
app.MapServiceDefaults();
app.MapLedger();
return await app.RunServiceAsync(args);
